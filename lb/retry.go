package lb

import (
	"context"
	"slices"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// Retry tries a failed call again, usually on another instance: it goes round an
// endpoint made by [Endpoint], or by a transport over a connection that balances.
//
// A call is tried again if its error is marked NotProcessed, or if the caller
// said by [Idempotent] that the call may run twice and the error is the
// instance's fault or says ResourceExhausted. It is not tried again when the
// attempts, three by default, see [MaxAttempts], or the [Budget] are used up, when the
// context is done or its deadline comes before the next attempt would, or when the call
// came in marked as a retry of the hop before: then that hop retries, and load does not
// multiply.
//
// Between attempts there is a delay with full jitter, see [RetryBackoff], or the
// retry-after of the server, or of a limiter before all of them, if that is longer;
// there is no further attempt if it is longer than [MaxRetryDelay]. A call that was not
// processed goes to another instance without delay, once, and one that the breaker of
// an instance refused as long as there are others. Instances that failed are avoided
// in the attempts that follow.
//
// The error of a call that was tried once is that attempt's. After more attempts,
// or a delay that the context ended, it is a [*RetryError], which keeps them all.
// Retry starts no goroutine, and without an attempt timeout a call that succeeds at
// once costs no allocation. It panics if next is nil or an option is out of range.
func Retry[Req, Resp any](next endpoint.Endpoint[Req, Resp], opts ...RetryOption) endpoint.Endpoint[Req, Resp] {
	r := newRetrier(next != nil, opts)
	return func(ctx context.Context, req Req) (Resp, error) {
		if err := ctx.Err(); err != nil {
			var none Resp
			return none, err
		}
		ctx = r.budget.count(ctx)
		resp, fault, err := attempt(ctx, r.timeout, next, req)
		if err == nil {
			return resp, nil
		}
		t := trouble{retrier: r, attempts: 1}
		for t.again(ctx, err, fault) {
			resp, fault, err = attempt(t.context(ctx), r.timeout, next, req)
			if err == nil {
				return resp, nil
			}
		}
		return resp, t.failed(err)
	}
}

// attempt calls next once, within the attempt's timeout if there is one. fault is
// the verdict on the error, which only the attempt's own context allows.
func attempt[Req, Resp any](
	ctx context.Context, timeout time.Duration, next endpoint.Endpoint[Req, Resp], req Req,
) (resp Resp, fault bool, err error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	resp, err = next(ctx, req)
	return resp, err != nil && endpoint.Fault(ctx, err), err
}

// trouble is a call after its first failure.
type trouble struct {
	*retrier
	attempts int
	made     int     // attempts that failed, those of a Hedge below included
	errs     []error // of all attempts but the last
	avoid    []string
	stop     error
	waited   bool // in vain
	paid     bool // a token is taken for an attempt that no server has seen
}

// again decides about another attempt and waits until it is time for it.
func (t *trouble) again(ctx context.Context, err error, fault bool) bool {
	var told told
	told.read(err)
	notProcessed := endpoint.IsNotProcessed(err)
	// What breakers that stand before single instances refused was no load.
	free := len(told.instances) > 0 && endpoint.IsLocal(err)
	elsewhere := free && !slices.Contains(t.avoid, told.instances[0])
	delay := told.retryAfter
	if !elsewhere && (t.attempts > 1 || !notProcessed) {
		delay = max(delay, t.backoff.Delay(t.attempts))
	}
	t.stop = t.refuse(ctx, err, fault, notProcessed, delay)
	t.paid = t.paid && free
	if t.stop == nil && !free {
		if t.paid = t.budget.withdraw(); !t.paid {
			t.stop = ErrBudget
		}
	}
	if t.stop != nil || !t.wait(ctx, delay) {
		if t.paid {
			t.budget.refund()
		}
		return false
	}
	t.avoid = append(t.avoid, told.instances...)
	t.errs = append(t.errs, err)
	t.attempts++
	t.made += told.attempts
	t.counts.retried()
	if t.onRetry != nil {
		t.onRetry(ctx, t.attempts, err)
	}
	return true
}

// refuse returns why the call is not tried again, or nil; the budget aside.
func (t *trouble) refuse(ctx context.Context, err error, fault, notProcessed bool, delay time.Duration) error {
	again := notProcessed || t.idempotent && (fault || endpoint.CodeOf(err) == endpoint.ResourceExhausted)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !again:
		return ErrFinal
	case call.From(ctx).Inherited() > 0:
		return ErrMarked
	case t.attempts >= t.limit:
		return ErrAttempts
	case delay > t.maxDelay:
		return ErrRetryAfter
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return ErrNoTime
	}
	return nil
}

func (t *trouble) wait(ctx context.Context, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		if ctx.Err() == nil {
			return true
		}
	case <-ctx.Done():
	}
	t.stop, t.waited = ctx.Err(), true
	return false
}

// context returns that of the next attempt. It owns its list of instances, since
// what keeps the context may outlive the attempt. What is round this Retry may have
// made attempts too, and avoids where they went.
func (t *trouble) context(ctx context.Context) context.Context {
	c := call.From(ctx)
	return call.With(ctx, call.Attempt(c.Attempt()+t.made, c.AppendAvoided(slices.Clone(t.avoid))))
}

func (t *trouble) failed(err error) error {
	t.counts.stopped(t.stop)
	if t.attempts == 1 && !t.waited {
		return err
	}
	return &RetryError{Attempts: append(t.errs, err), Stop: t.stop}
}
