package endpoint

import (
	"context"
	"fmt"
	"slices"
)

// Endpoint is one method of a service: it takes a request and gives a response
// or an error. The response means something if and only if the error is nil.
//
// Any function or method of this shape is an Endpoint already; nothing has to
// be converted. An Endpoint is called from many goroutines at once, so it must
// be safe for concurrent use.
type Endpoint[Req, Resp any] func(ctx context.Context, req Req) (Resp, error)

// Middleware wraps an Endpoint of the same types.
//
// The toolkit's own middleware are functions that take the endpoint as their
// first argument, because only then are the types inferred. This type is for a
// user's own, and for [Chain].
type Middleware[Req, Resp any] func(next Endpoint[Req, Resp]) Endpoint[Req, Resp]

// Chain joins middleware into one. The first is outermost: it sees the request
// first and the response last.
//
//	Chain(a, b, c)(e)   is   a(b(c(e)))
//
// Chain of nothing returns the endpoint unchanged. The list is copied, and read
// once per wrapped endpoint, never per call. Chain panics if a middleware is nil.
func Chain[Req, Resp any](ms ...Middleware[Req, Resp]) Middleware[Req, Resp] {
	ms = slices.Clone(ms)
	var faults []string
	for i, m := range ms {
		faults = append(faults, when(m == nil, fmt.Sprintf("middleware %d is nil", i+1)))
	}
	check("Chain", faults...)
	return func(next Endpoint[Req, Resp]) Endpoint[Req, Resp] {
		for _, m := range slices.Backward(ms) {
			next = m(next)
		}
		return next
	}
}
