package lb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// RetryError is the error of a call that failed after more than one attempt, by
// [Retry] or [Hedge]. Unwrap gives the last attempt's error first, so that
// endpoint.CodeOf and errors.As find that one; the call counts as not processed only
// if no attempt was.
type RetryError struct {
	// Attempts are the errors of the attempts, in the order in which they failed.
	// Those of a balanced endpoint name the instance.
	Attempts []error
	// Stop says why there was no further attempt. It is nil if Hedge made them:
	// Hedge never makes more.
	Stop error
}

// Reasons of Retry why there is no further attempt, for [RetryError.Stop] and
// [Attempts.Stopped]. If the context was done, the reason is its error.
var (
	// ErrAttempts: see MaxAttempts.
	ErrAttempts = errors.New("lb: no attempt is left")
	// ErrBudget: see Budget.
	ErrBudget = errors.New("lb: the retry budget is used up")
	// ErrFinal: the request deserves the error, or the call is not said to be
	// Idempotent and may have been processed.
	ErrFinal = errors.New("lb: the error must not be retried")
	// ErrNoTime: the delay would outlast the deadline.
	ErrNoTime = errors.New("lb: the deadline leaves no time for another attempt")
	// ErrRetryAfter: see MaxRetryDelay.
	ErrRetryAfter = errors.New("lb: the server asks for a longer delay than allowed")
	// ErrMarked: the call came in as a retry, see Retry.
	ErrMarked = errors.New("lb: the hop before retries this call")
)

// Error lists the attempts' errors, last first.
func (e *RetryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d attempts failed", len(e.Attempts))
	if e.Stop != nil {
		fmt.Fprintf(&b, " (%v)", e.Stop)
	}
	for i, err := range slices.Backward(e.Attempts) {
		fmt.Fprintf(&b, "; attempt %d: %v", i+1, err)
	}
	return b.String()
}

// Unwrap returns the attempts' errors, last first. If there are several and the last has
// no [*endpoint.Error], it is wrapped in one, or that of an attempt before would be
// taken for its own.
func (e *RetryError) Unwrap() []error {
	errs := slices.Clone(e.Attempts)
	slices.Reverse(errs)
	if len(errs) > 1 {
		if _, coded := errors.AsType[*endpoint.Error](errs[0]); !coded {
			errs[0] = uncoded(errs[0])
		}
	}
	return errs
}

// uncoded returns an error with the code that err has anyway.
func uncoded(err error) *endpoint.Error {
	e := &endpoint.Error{Code: endpoint.CodeOf(err), Err: err}
	if e.Code == endpoint.Unknown {
		e.Code = endpoint.OK // nobody chose it: see endpoint.Public
	}
	return e
}

// Is reports whether target is the reason why there was no further attempt.
func (e *RetryError) Is(target error) bool { return target == e.Stop && target != nil }

// told is what an error tells of the attempts behind it.
type told struct {
	attempts   int
	instances  []string
	retryAfter time.Duration // the longest
}

// read adds what err tells. A RetryError stands for several attempts.
func (t *told) read(err error) {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if several, ok := e.(*RetryError); ok {
			for _, attempt := range several.Attempts {
				t.read(attempt)
			}
			return
		}
		if _, ok := e.(*endpoint.Error); ok {
			break
		}
	}
	t.attempts++
	e, ok := errors.AsType[*endpoint.Error](err)
	if !ok {
		return
	}
	if e.Instance != "" {
		t.instances = append(t.instances, e.Instance)
	}
	// A breaker that stands before one instance asks for time for that one alone.
	if !e.Local || e.Instance == "" {
		t.retryAfter = max(t.retryAfter, e.RetryAfter)
	}
}
