package circuitbreaker

import (
	"context"
	"errors"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Breaker decides whether a call may be made. A [*Circuit] is one, a
// [*Throttler] too, and so is a gobreaker.TwoStepCircuitBreaker of any type, with what
// [IsExcluded] says of its Settings. It must be safe for concurrent use.
//
// A Breaker that also has the method RetryAfter() time.Duration, as a [*Circuit]
// has, lets a refusal say when to try again.
type Breaker interface {
	// Allow returns an error if the call may not be made, and else a function
	// that is called once, with the outcome: nil for a success.
	Allow() (done func(err error), err error)
}

// ErrOpen is what every refusal of [Break] matches by [errors.Is], beside the
// breaker's own error.
var ErrOpen = errors.New("refused by the circuit breaker")

// Break calls next only if breaker allows it. If not, it returns an
// [endpoint.Error] of code Unavailable that matches [ErrOpen] and is marked
// Local, Outgoing and NotProcessed. A call whose context is done already gets the
// context's error, and the breaker is not asked.
//
// A panic in next counts as a failure and goes on. A call holds its place until
// next returns, so next must heed its context.
//
// Break panics if next, breaker or an option is nil.
func Break[Req, Resp any](next endpoint.Endpoint[Req, Resp], breaker Breaker, opts ...Option) endpoint.Endpoint[Req, Resp] {
	return guarded(next, newGuard("Break", next == nil, breaker, endpoint.Fault, opts))
}

func guarded[Req, Resp any](next endpoint.Endpoint[Req, Resp], g *guard) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		place, err := g.enter(ctx)
		if err != nil {
			return resp, err
		}
		err = errUnfinished // stands only if next does not return
		defer func() { g.leave(ctx, place, err) }()
		resp, err = next(ctx, req)
		return resp, err
	}
}

// Option changes [Break] or [Throttle].
type Option func(*guard) error

// FailureFunc sets which errors count as failures. The default of Break
// is [endpoint.Fault], that of Throttle [NotAccepted]. It is not asked about a call that was cancelled or refused on
// this side, nor about one that panicked.
func FailureFunc(failure func(ctx context.Context, err error) bool) Option {
	return func(g *guard) error {
		g.failure = failure
		return when(failure == nil, "the failure function is nil")
	}
}

type guard struct {
	breaker Breaker
	failure func(context.Context, error) bool
}

func newGuard(function string, noNext bool, breaker Breaker, failure func(context.Context, error) bool, opts []Option) *guard {
	g := &guard{breaker: breaker, failure: failure}
	faults := []error{when(noNext, "next is nil"), when(none(breaker), "the breaker is nil")}
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(g))
	}
	check(function, faults...)
	return g
}

func (g *guard) enter(ctx context.Context) (p place, err error) {
	if err := ctx.Err(); err != nil {
		return place{}, err
	}
	if c, ok := g.breaker.(*Circuit); ok {
		p, err = c.allow()
	} else {
		p.done, err = g.breaker.Allow()
	}
	if err == nil {
		return p, nil
	}
	refusal := &endpoint.Error{
		Code:         endpoint.Unavailable,
		NotProcessed: true,
		Local:        true,
		Outgoing:     true,
		Err:          &openError{err},
	}
	if b, ok := g.breaker.(interface{ RetryAfter() time.Duration }); ok {
		refusal.RetryAfter = b.RetryAfter()
	}
	return place{}, refusal
}

// leave tells the breaker, also if a failure function panics: a place that is
// never given back would keep a half-open breaker half-open for ever.
func (g *guard) leave(ctx context.Context, p place, err error) {
	outcome := error(errUnfinished)
	defer func() { p.leave(outcome) }()
	outcome = g.verdict(ctx, err)
}

type openError struct{ cause error }

func (e *openError) Error() string        { return ErrOpen.Error() + ": " + e.cause.Error() }
func (e *openError) Unwrap() error        { return e.cause }
func (e *openError) Is(target error) bool { return target == ErrOpen }
