package ratelimit

import (
	"context"
	"errors"

	"github.com/dowelkit/dowel/endpoint"
)

// Adaptive refuses the calls that exceed the limit of how many may run at once,
// before any work is done, with an [endpoint.Error] of code ResourceExhausted whose
// cause is [ErrLimited]. There is no queue: a call that must wait for others makes
// them wait too. A call whose context is done already gets the context's error.
//
// It belongs outermost, where it sees the time that a call takes with all waiting
// inside the server. A call holds its place until next returns, so next must heed
// its context; a panic gives the place back.
//
// Adaptive panics if next, limit or an option is nil.
func Adaptive[Req, Resp any](next endpoint.Endpoint[Req, Resp], limit *Concurrency, opts ...Option) endpoint.Endpoint[Req, Resp] {
	a := newAdmission("Adaptive", next == nil, limit == nil, limit, opts)
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		if err := a.enter(ctx); err != nil {
			return resp, err
		}
		start := limit.now()
		err = errUnfinished // stands only if next does not return
		defer func() { limit.leave(start, err) }()
		resp, err = next(ctx, req)
		return resp, err
	}
}

var errUnfinished = errors.New("ratelimit: the call did not return")
