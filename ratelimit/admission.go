package ratelimit

import (
	"context"
	"errors"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// ErrLimited is the cause of every refusal of this package. It tells a refusal
// made here from the ResourceExhausted of another server.
var ErrLimited = errors.New("rate limit exceeded")

// gate lets a call in (a nil cause) or says why not and, if it knows, after what
// time to try again.
type gate interface {
	admit(ctx context.Context) (retryAfter time.Duration, cause error)
}

// admission is a gate with what the options say of it.
type admission struct {
	gate     gate
	stats    *Stats
	outgoing bool
}

func newAdmission(function string, noNext, noLimiter bool, g gate, opts []Option) *admission {
	a := &admission{gate: g}
	faults := []error{when(noNext, "next is nil"), when(noLimiter, "the limiter is nil")}
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(a))
	}
	check(function, faults...)
	return a
}

func guard[Req, Resp any](next endpoint.Endpoint[Req, Resp], a *admission) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) {
		if err := a.enter(ctx); err != nil {
			var none Resp
			return none, err
		}
		return next(ctx, req)
	}
}

func (a *admission) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		a.stats.canceled()
		return err
	}
	retryAfter, cause := a.gate.admit(ctx)
	switch {
	case cause == nil:
		a.stats.admitted()
		return nil
	case cause == context.Canceled: // the caller's: a gate wraps what others say
		a.stats.canceled()
		return cause
	}
	a.stats.refused()
	return &endpoint.Error{
		Code:         endpoint.ResourceExhausted,
		NotProcessed: true,
		Local:        true,
		Outgoing:     a.outgoing,
		RetryAfter:   retryAfter,
		Err:          cause,
	}
}

// Option changes [Limit], [Wait], [PerKey] or [Adaptive].
type Option func(*admission) error

// CountIn counts the calls in stats, which may serve several endpoints. The
// default is not to count.
func CountIn(stats *Stats) Option {
	return func(a *admission) error {
		a.stats = stats
		return when(stats == nil, "the stats are nil")
	}
}

// Outgoing says that the endpoint is a client's: it calls another service. Its
// refusals are then marked [endpoint.Error.Outgoing], so that a server in the
// middle of a call does not tell its own caller that nothing was processed.
func Outgoing() Option {
	return func(a *admission) error {
		a.outgoing = true
		return nil
	}
}
