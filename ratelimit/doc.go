// Package ratelimit bounds how many calls an endpoint gets per second, for all
// callers together or for each one, and how many run at once.
//
//	uppercase := ratelimit.Limit(svc.Uppercase, rate.NewLimiter(100, 10)) // golang.org/x/time/rate as it is
//
// [Limit] refuses what exceeds the rate, which is what a server wants. [Wait]
// delays it in a first-come line, which is what a client of a metered service
// wants. [PerKey] keeps one limiter per caller:
//
//	callers := ratelimit.NewKeyed(func(caller string) ratelimit.Limiter {
//		return rate.NewLimiter(10, 5)
//	}, ratelimit.MaxKeys(50_000))
//	uppercase = ratelimit.PerKey(svc.Uppercase, callers)
//
// [Adaptive] protects a server without being told a number: it finds out how many
// calls may run at once, and lets important ones in first.
//
//	uppercase = ratelimit.Adaptive(svc.Uppercase, ratelimit.NewConcurrency())
//
// A refusal is an [endpoint.Error] of code ResourceExhausted that wraps
// [ErrLimited]. It is marked Local and NotProcessed, and says when to try again
// if the limiter can tell. No refusal and no caller that gives up costs a permit.
package ratelimit
