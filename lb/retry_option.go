package lb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// RetryOption changes how [Retry] tries again.
type RetryOption func(*retrier) error

// retrier is what Retry knows at construction.
type retrier struct {
	limit      int
	idempotent bool
	timeout    time.Duration
	backoff    sd.Backoff
	maxDelay   time.Duration
	budget     *Budget
	counts     *Attempts // nil if nobody counts
	onRetry    func(ctx context.Context, attempt int, err error)
}

func newRetrier(hasNext bool, opts []RetryOption) *retrier {
	r := &retrier{limit: 3, backoff: sd.Backoff{Base: 25 * time.Millisecond, Cap: time.Second}, maxDelay: 30 * time.Second}
	var faults []error
	if !hasNext {
		faults = append(faults, errors.New("next is nil"))
	}
	configure("Retry", r, opts, faults)
	if r.budget == nil {
		r.budget = NewBudget()
	}
	return r
}

// MaxAttempts sets how often a call is tried at most, the first time included: at
// least once. The default is 3; 1 means never again.
func MaxAttempts(n int) RetryOption {
	return func(r *retrier) error {
		r.limit = n
		if n < 1 {
			return fmt.Errorf("the attempts must be at least 1, not %d", n)
		}
		return nil
	}
}

// Idempotent says that the call may run more than once to the same effect, so
// that it may be tried again even if the server may have processed it.
func Idempotent() RetryOption {
	return func(r *retrier) error {
		r.idempotent = true
		return nil
	}
}

// AttemptTimeout bounds each attempt, so that one slow instance does not eat the
// whole deadline. It must be positive. By default attempts share the deadline of the
// call.
func AttemptTimeout(d time.Duration) RetryOption {
	return func(r *retrier) error {
		r.timeout = d
		if d <= 0 {
			return fmt.Errorf("the attempt timeout must be positive, not %v", d)
		}
		return nil
	}
}

// RetryBackoff sets the delays between attempts, which must not be negative. The
// default has base 25 ms and cap 1 s.
func RetryBackoff(b sd.Backoff) RetryOption {
	return func(r *retrier) error {
		r.backoff = b
		if b.Base < 0 || b.Cap < 0 {
			return fmt.Errorf("the backoff must not be negative: %+v", b)
		}
		return nil
	}
}

// MaxRetryDelay bounds the delays that are waited for, a server's retry-after
// included: a call that would have to wait longer fails at once, so that one
// answer cannot park callers for a day. It must not be negative; with zero only what
// needs no delay is tried again. The default is 30 s.
func MaxRetryDelay(d time.Duration) RetryOption {
	return func(r *retrier) error {
		r.maxDelay = d
		if d < 0 {
			return fmt.Errorf("the greatest delay must not be negative: %v", d)
		}
		return nil
	}
}

// RetryBudget shares a budget with other endpoints. By default each Retry has a
// [NewBudget] of its own.
func RetryBudget(b *Budget) RetryOption {
	return func(r *retrier) error {
		r.budget = b
		if b == nil {
			return errors.New("the budget is nil")
		}
		return nil
	}
}

// OnRetry calls f before each attempt after the first, with the attempt's number
// and the error of the one before, for logs and metrics. f runs in the call and
// should return soon.
func OnRetry(f func(ctx context.Context, attempt int, err error)) RetryOption {
	return func(r *retrier) error {
		r.onRetry = f
		if f == nil {
			return errors.New("the function for retries is nil")
		}
		return nil
	}
}
