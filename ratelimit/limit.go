package ratelimit

import (
	"context"
	"math"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
)

// Limiter says whether a call may happen now. A [*rate.Limiter] is one. It must
// be safe for concurrent use.
//
// A Limiter that also has the methods Limit, Burst and Tokens of a
// [*rate.Limiter] lets a refusal say when to try again.
type Limiter interface {
	// Allow reports whether a call may happen now, and takes a permit only if so.
	Allow() bool
}

// Limit refuses the calls for which limiter has no permit, with an
// [endpoint.Error] of code ResourceExhausted whose cause is [ErrLimited]. A call
// whose context is done already takes no permit and gets the context's error.
//
// One limiter may serve several endpoints. Limit panics if next, limiter or an
// option is nil.
func Limit[Req, Resp any](next endpoint.Endpoint[Req, Resp], limiter Limiter, opts ...Option) endpoint.Endpoint[Req, Resp] {
	return guard(next, newAdmission("Limit", next == nil, none(limiter), rejecting{limiter}, opts))
}

type rejecting struct{ limiter Limiter }

func (g rejecting) admit(context.Context) (time.Duration, error) {
	if g.limiter.Allow() {
		return 0, nil
	}
	return untilPermit(g.limiter), ErrLimited
}

type meter interface {
	Limit() rate.Limit
	Burst() int
	Tokens() float64
}

// untilPermit reads the bucket instead of reserving: a reservation that is
// cancelled after another one was made does not give its permit back, so under
// load the refused calls would use up the rate.
func untilPermit(limiter Limiter) time.Duration {
	m, ok := limiter.(meter)
	if !ok {
		return 0
	}
	limit, missing := m.Limit(), 1-m.Tokens()
	if limit <= 0 || limit == rate.Inf || m.Burst() < 1 || missing <= 0 {
		return 0 // never, or at once: neither is a time to wait
	}
	wait := missing / float64(limit) * float64(time.Second)
	if wait >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(wait)
}
