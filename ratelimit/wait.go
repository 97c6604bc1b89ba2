package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Waiter blocks until a call may happen. A [*rate.Limiter] is one, and so is a
// [*Queue]. It must be safe for concurrent use.
type Waiter interface {
	// Wait returns nil when the call may happen, the context's error if ctx is
	// done first, and another error if it can tell that the call may not happen.
	Wait(ctx context.Context) error
}

// Wait delays each call until limiter has a permit for it. It refuses at once, as
// [Limit] does, a call that cannot have its permit before its deadline. A caller
// that gives up while it waits gets the context's error, and its permit goes to
// the next in line.
//
// A limiter with the methods of a [Reserver], such as a [*rate.Limiter], is used
// through a [Queue] of this endpoint's own. Endpoints that share a limiter should
// share a Queue: pass the same one to each. Any other Waiter is used as it is.
//
// Wait panics if next, limiter or an option is nil.
func Wait[Req, Resp any](next endpoint.Endpoint[Req, Resp], limiter Waiter, opts ...Option) endpoint.Endpoint[Req, Resp] {
	missing := none(limiter)
	if missing {
		limiter = nil // what delaying makes a Queue of must be there
	}
	return guard(next, newAdmission("Wait", next == nil, missing, delaying(limiter), opts))
}

func delaying(limiter Waiter) gate {
	switch l := limiter.(type) {
	case *Queue:
		return l
	case Reserver:
		return NewQueue(l)
	}
	return &plain{limiter}
}

type plain struct{ waiter Waiter }

func (g *plain) admit(ctx context.Context) (time.Duration, error) {
	err := g.waiter.Wait(ctx)
	if err == nil {
		return 0, nil
	}
	if ctx.Err() == context.Canceled {
		return 0, ctx.Err()
	}
	return 0, fmt.Errorf("%w: %w", ErrLimited, err)
}
