package metrics

import (
	"context"

	"github.com/dowelkit/dowel/endpoint"
)

// Server measures how long calls take and how they end, in seconds, as
// rpc.server.call.duration with the attributes rpc.method, rpc.response.status_code and,
// for what is the server's fault, error.type: Unknown, DeadlineExceeded, Unimplemented,
// Internal, Unavailable, DataLoss and a panic, which goes on. Its count is the number
// of calls. Those in flight are dowel.server.active_calls.
//
// The name is the attribute rpc.method: by the semantic conventions service and
// method, such as "orders/Place". Endpoints of one name and one [Provider] are
// measured together.
//
// Server returns next itself if there is no Provider or it is OpenTelemetry's no-op
// one; that is decided here and not per call. A call allocates nothing. If the
// provider's SDK has exemplars, they lead to sampled spans: put tracing round it. It is
// safe for concurrent use. It panics if next is nil, name is empty, or an option is
// nil or out of range.
func Server[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], name string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	return measured(next, newMeasure("Server", server, next != nil, name, opts))
}

// Client measures calls as those who make them see them, as rpc.client.call.duration
// and dowel.client.active_calls: round everything, so that what is retried or hedged
// is one call. Every error has an error.type, but for a cancellation by this side. The
// rest is as for [Server].
func Client[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], name string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	return measured(next, newMeasure("Client", client, next != nil, name, opts))
}

// Attempt measures the attempts of a call that is retried or hedged, below that, as
// dowel.client.attempt.duration and dowel.client.active_attempts: the conventions have
// no name for them. The rest is as for [Client]. What is not retried needs none.
func Attempt[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], name string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	return measured(next, newMeasure("Attempt", attempt, next != nil, name, opts))
}

// newMeasure returns nil if nothing is to be measured.
func newMeasure(function string, k *kind, hasNext bool, name string, opts []Option) *calls {
	c := configure(function, "next", hasNext, name, opts, func(c *config) error {
		return unless(c.until == nil && !c.bounded, "Until and Instances are for parts")
	})
	if c.source.off() {
		return nil
	}
	return c.source.of(k, method(name, c.attrs))
}

func measured[Req, Resp any](next endpoint.Endpoint[Req, Resp], c *calls) endpoint.Endpoint[Req, Resp] {
	if c == nil {
		return next
	}
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		start, returned := c.begin(), false
		defer func() { c.end(ctx, start, returned, err) }()
		resp, err = next(ctx, req)
		returned = true
		return resp, err
	}
}
