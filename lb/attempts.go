package lb

import (
	"errors"
	"sync/atomic"
)

// Attempts counts what [Retry] and [Hedge] do about calls that fail or are slow, for
// metrics. It is safe for concurrent use and its zero value is ready. It must not be
// copied after first use, and may serve several endpoints. Of a call that succeeds at
// once nothing is counted, so that it costs nothing.
type Attempts struct {
	retries, hedges, wins, denied atomic.Uint64
	stops                         [len(stops) + 1]atomic.Uint64
}

// stops are the reasons to stop, but for the end of the context.
var stops = [...]error{ErrAttempts, ErrBudget, ErrFinal, ErrNoTime, ErrRetryAfter, ErrMarked}

// Retries returns how many attempts Retry made after the first of a call.
func (a *Attempts) Retries() uint64 { return a.retries.Load() }

// Hedges returns how many second attempts Hedge made.
func (a *Attempts) Hedges() uint64 { return a.hedges.Load() }

// HedgesWon returns how many second attempts of Hedge had the answer.
func (a *Attempts) HedgesWon() uint64 { return a.wins.Load() }

// HedgesDenied returns how many second attempts of Hedge the budget did not allow.
func (a *Attempts) HedgesDenied() uint64 { return a.denied.Load() }

// Stopped returns how many calls Retry gave up for that reason: one of those that
// [RetryError] has, calls that were tried once included. All other errors stand for
// the end of the context.
func (a *Attempts) Stopped(reason error) uint64 { return a.stops[place(reason)].Load() }

func place(reason error) int {
	for i, stop := range stops {
		if reason == stop {
			return i
		}
	}
	return len(stops)
}

func (a *Attempts) retried() {
	if a != nil {
		a.retries.Add(1)
	}
}

func (a *Attempts) stopped(reason error) {
	if a != nil {
		a.stops[place(reason)].Add(1)
	}
}

// hedged notes a second attempt that was wanted.
func (a *Attempts) hedged(made bool) {
	switch {
	case a == nil:
	case made:
		a.hedges.Add(1)
	default:
		a.denied.Add(1)
	}
}

func (a *Attempts) won(attempt int) {
	if a != nil && attempt == 1 {
		a.wins.Add(1)
	}
}

// RetryCountIn counts what Retry does in a, which may serve several endpoints. The
// default is not to count.
func RetryCountIn(a *Attempts) RetryOption {
	return func(r *retrier) error {
		r.counts = a
		return present(a)
	}
}

// HedgeCountIn counts what Hedge does in a, which may serve several endpoints. The
// default is not to count.
func HedgeCountIn(a *Attempts) HedgeOption {
	return func(h *hedger) error {
		h.counts = a
		return present(a)
	}
}

func present(a *Attempts) error {
	if a == nil {
		return errors.New("the attempts are nil")
	}
	return nil
}
