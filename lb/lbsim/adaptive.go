package lbsim

import (
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/internal/adaptive"
)

// Adaptive returns the limiter of a server that has ratelimit.Adaptive round its
// endpoints with a ratelimit.Concurrency without options: the same code, in virtual
// time. It is meant for [Server.Limit]. All calls are Critical, which leaves a tenth of
// the limit to more important ones.
func Adaptive() Limiter { return adaptiveLimiter{adaptive.New(adaptive.Defaults())} }

type adaptiveLimiter struct{ *adaptive.Limit }

func (l adaptiveLimiter) Admit(time.Duration) bool { return l.Enter(call.Critical) }

func (l adaptiveLimiter) Done(start, now time.Duration, served bool) { l.Leave(start, now, served) }
