package circuitbreaker

import (
	"context"
	"errors"

	"github.com/dowelkit/dowel/endpoint"
)

// errUnfinished is the outcome of a call that did not return: it panicked, or
// ended its goroutine.
var errUnfinished = errors.New("circuitbreaker: the call did not return")

// Verdict returns what to tell a breaker about a call that ended with err: nil
// for a success, an error that [IsExcluded] knows if the call says nothing of the
// instance, and err itself for a failure. [Break] does this; it is exported for
// code that asks a breaker by itself, since a breaker sees no context.
func Verdict(ctx context.Context, err error) error {
	return verdict(ctx, err, endpoint.Fault)
}

// IsExcluded reports whether err is the verdict that a call says nothing of the
// instance. It is for gobreaker.Settings.IsExcluded of a breaker that is not made
// by [New]: without it gobreaker counts a cancelled call as a failure. Such a
// breaker's IsSuccessful should stay nil, as all that it calls a success is nil.
//
// Its Interval, unless zero, must be longer than any call may last, which
// endpoint.Timeout bounds. gobreaker counts a call as one of the time when it began, and
// one that has left the Interval when it ends not at all: an instance that hangs for as
// long would never open the breaker.
func IsExcluded(err error) bool {
	_, excluded := errors.AsType[*excludedError](err)
	return excluded
}

func (g *guard) verdict(ctx context.Context, err error) error {
	if err == errUnfinished {
		return err
	}
	return verdict(ctx, err, g.failure)
}

func verdict(ctx context.Context, err error, failure func(context.Context, error) bool) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() == context.Canceled || endpoint.IsLocal(err):
		return &excludedError{err}
	case failure(ctx, err):
		return err
	case endpoint.CodeOf(err) == endpoint.Canceled:
		// Somebody between here and the instance gave up.
		return &excludedError{err}
	}
	return nil
}

type excludedError struct{ err error }

func (e *excludedError) Error() string { return "says nothing of the instance: " + e.err.Error() }
func (e *excludedError) Unwrap() error { return e.err }
