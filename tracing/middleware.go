package tracing

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/endpoint"
)

// Server makes a span of kind server of each call. Its parent is the span that the
// context has, if a handler round this one made it, or else the caller's, as the
// call tells it. The name is that of the span and the attribute rpc.method: by the
// semantic conventions service and method, such as "orders/Place". It never changes.
// What the call leads to is sent with its trace, by whatever client it is made; below
// a span that is sampled out, by those that Client goes round.
//
// The span has the code of the outcome as rpc.response.status_code, in gRPC's
// spelling. Its status is Error for what is the server's fault: Unknown,
// DeadlineExceeded, Unimplemented, Internal, Unavailable and DataLoss, and a panic,
// which goes on. See [ErrorText] for what is told of an error.
//
// Server returns next itself if there is no [Provider] or it is OpenTelemetry's
// no-op one; that is decided here and not per call. It is safe for concurrent use.
// It panics if next is nil, name is empty, or an option is nil or out of range.
func Server[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], name string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	t := newTracer("Server", next != nil, name, trace.SpanKindServer, opts)
	if t == nil {
		return next
	}
	return traced(t, next)
}

// Client makes a span of kind client of each call, which every client transport of
// the toolkit sends on, in place of a trace that came in and would have passed through.
//
// Round a retried or hedged endpoint the span is that of the call: it says how many
// attempts there were and which instance was asked last. Below the retries it is that
// of one attempt, with the attempt's number and its instance. Do both for a tree.
//
// The status is Error for every error but a cancellation by this side: the caller
// went away, or the other attempt of a hedge was faster. Such a span has code
// CANCELLED and no event. The rest is as for [Server].
func Client[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], name string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	t := newTracer("Client", next != nil, name, trace.SpanKindClient, opts)
	if t == nil {
		return next
	}
	return traced(t, next)
}

func traced[Req, Resp any](t *tracer, next endpoint.Endpoint[Req, Resp]) endpoint.Endpoint[Req, Resp] {
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		ctx, made, c := t.begin(ctx)
		if !made.IsRecording() { // most are not, and need no more than this
			defer made.End()
			return next(ctx, req)
		}
		s := t.record(ctx, made, c)
		defer func() { s.end(err) }()
		resp, err = next(s.ctx, req)
		s.returned = true
		return resp, err
	}
}
