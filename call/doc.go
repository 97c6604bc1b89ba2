// Package call holds what travels with one call, in one context value: request
// and correlation ID, who called, a balancing key, a priority, keys of the
// user's own, and which attempt this is.
//
//	ctx = call.With(ctx, call.Key(user), call.Priority(call.Sheddable))
//	id := call.From(ctx).RequestID()
//
// A [Propagator] writes it to any wire and reads it back through a [Carrier],
// which HTTP headers, gRPC metadata and message headers all fit. Logs, limiters,
// balancers and tracing read it without importing a transport.
//
// The package imports nothing but the standard library.
package call
