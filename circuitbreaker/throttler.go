package circuitbreaker

import (
	"fmt"
	"sync/atomic"
)

// Throttler refuses a share of the calls that grows as fewer of them are
// accepted, so that what is sent settles at a multiple of what the other side
// takes. It has no state to trip and no edge between open and closed. It is the
// client-side throttling of Google's SRE book, chapter "Handling Overload". A call
// is refused with the probability
//
//	max(0, (requests - grace - K*accepts) / (requests + 1))
//
// where requests are all calls within a window of time, the refused ones too, and
// accepts are those that the other side accepted. A call counts when its outcome is
// known: in flight it is neither. The book has K = 2, a window of two minutes and
// no grace. Here the window is 30 s, since a throttle sets in only when half the
// window has failed, and lets go as slowly. The grace of 5 requests, as in go-zero's
// breaker, keeps the first failures of a quiet client from refusing the next call,
// which the book's formula does with a probability of a half. The probability is at
// most 0.95, since after a long outage so few calls would get through that it took
// minutes to learn that the outage is over.
//
// A Throttler is a [Breaker], safe for concurrent use, and may serve several
// endpoints. It takes no lock, does not allocate, and holds no goroutine. Make it
// with [NewThrottler] and use it with [Throttle].
type Throttler struct {
	name     string
	settings throttling
	limited  error // what Allow returns, made once, and so are the others
	forced   error
	done     func(error)

	force   atomic.Uint32
	counted sliding
	refused atomic.Uint64
}

// NewThrottler returns a Throttler that refuses nothing yet. name identifies it in
// errors, for instance the ID of the instance. NewThrottler panics if an option is
// nil or out of range.
func NewThrottler(name string, opts ...ThrottlerOption) *Throttler {
	t := &Throttler{
		name:     name,
		settings: newThrottling(opts),
		limited:  fmt.Errorf("throttle %q: too few calls are accepted", name),
		forced:   fmt.Errorf("throttle %q is forced open", name),
	}
	t.done = t.report
	t.counted.begin(t.settings.window)
	return t
}

// Name returns the name given to NewThrottler.
func (t *Throttler) Name() string { return t.name }

// Allow implements [Breaker]. What is reported as nil was accepted; what
// [IsExcluded] knows counts neither way.
func (t *Throttler) Allow() (done func(err error), err error) {
	switch Force(t.force.Load()) {
	case ForceClosed:
		return t.done, nil
	case ForceOpen: // says nothing of the other side, and so does not count there
		t.refused.Add(1)
		return nil, t.forced
	}
	p := t.settings.probability(t.counted.counts())
	if p > 0 && t.settings.random() < p {
		t.refused.Add(1)
		t.counted.add(rejected)
		return nil, t.limited
	}
	return t.done, nil
}

// report counts an outcome as one of now. Its call may have lasted longer than the
// window, with none after it that would have turned to the next part.
func (t *Throttler) report(err error) {
	t.counted.counts()
	if err == nil {
		t.counted.add(accepted)
		return
	}
	if !IsExcluded(err) {
		t.counted.add(rejected)
	}
}

// Force sets what an operator decides, until the next Force. While it is
// ForceClosed, outcomes count; refusals of ForceOpen do not. Force panics if f is
// none of the constants.
func (t *Throttler) Force(f Force) {
	f.check("Throttler.Force")
	t.force.Store(uint32(f))
}

// Forced returns what an operator decided, and Automatic if nothing.
func (t *Throttler) Forced() Force { return Force(t.force.Load()) }

// Probability returns with which probability the next call is refused: 1 and 0
// while forced open and closed.
func (t *Throttler) Probability() float64 {
	switch t.Forced() {
	case ForceOpen:
		return 1
	case ForceClosed:
		return 0
	}
	return t.settings.probability(t.counted.counts())
}

// ThrottleCounts are the calls within the window of a [Throttler].
type ThrottleCounts struct {
	Requests int // with a known outcome, and those that the formula refused
	Accepts  int // of these, those that the other side accepted
}

// Counts returns how the calls within the window went.
func (t *Throttler) Counts() ThrottleCounts {
	requests, accepts := t.counted.counts()
	return ThrottleCounts{int(requests), int(accepts)}
}

// Refused returns how many calls were refused since NewThrottler.
func (t *Throttler) Refused() uint64 { return t.refused.Load() }
