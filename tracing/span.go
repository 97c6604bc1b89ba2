package tracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/dowelkit/dowel/call"
)

// tracer is what a middleware knows at construction.
type tracer struct {
	trace.Tracer
	*wire
	name   string
	kind   trace.SpanKind
	start  []trace.SpanStartOption
	own    []attribute.KeyValue // set once it is recorded: samplers know the name, and it costs
	pinned bool
	text   func(error) string
}

// newTracer returns nil if nothing is to be traced.
func newTracer(function string, hasNext bool, name string, kind trace.SpanKind, opts []Option) *tracer {
	c := configure(function, hasNext, name, opts)
	if c.provider == nil {
		return nil
	}
	made := c.provider.Tracer(scope, trace.WithSchemaURL(schema))
	if _, off := made.(noop.Tracer); off {
		return nil
	}
	t := &tracer{
		Tracer: made, wire: newWire(c.propagator), name: name, kind: kind,
		start:  []trace.SpanStartOption{trace.WithSpanKind(kind)},
		pinned: c.pinned, text: c.text,
	}
	if len(c.attrs) > 0 {
		t.start = append(t.start, trace.WithAttributes(c.attrs...))
	}
	for _, a := range []attribute.KeyValue{system, semconv.RPCMethod(name)} {
		if !slices.ContainsFunc(c.attrs, func(b attribute.KeyValue) bool { return a.Key == b.Key }) {
			t.own = append(t.own, a)
		}
	}
	return t
}

// span is one call or attempt.
type span struct {
	trace.Span
	*tracer
	ctx      context.Context
	seen     *call.Record // nil if nobody is to be observed
	returned bool         // and did not panic
}

// begin starts a span, and says of which call.
func (t *tracer) begin(ctx context.Context) (context.Context, trace.Span, *call.Call) {
	c := call.From(ctx)
	if c != nil {
		ctx = t.extract(ctx, c)
	}
	ctx, made := t.Start(ctx, t.name, t.start...)
	if t.kind == trace.SpanKindClient || made.IsRecording() {
		ctx = t.attach(ctx, c) // also if it is sampled out, so that the next hop knows
	}
	return ctx, made, c
}

// record describes a span that somebody will see.
func (t *tracer) record(ctx context.Context, made trace.Span, c *call.Call) span {
	s := span{Span: made, tracer: t, ctx: ctx}
	if t.kind == trace.SpanKindClient && !t.pinned {
		s.ctx, s.seen = call.Observe(s.ctx)
	}
	s.describe(c)
	return s
}

// describe says what is known at the start of this call and no other.
func (s *span) describe(c *call.Call) {
	var room [5]attribute.KeyValue
	attrs := append(room[:0], s.own...)
	if s.kind == trace.SpanKindServer {
		attrs = appendAddress(attrs, c.Peer(), peerAddress)
		if n := c.Inherited(); n > 0 {
			attrs = append(attrs, RetriesKey.Int(n))
		}
	} else if n := c.Attempt(); n > 1 {
		attrs = append(attrs, AttemptKey.Int(n))
	}
	if len(attrs) > 0 {
		s.SetAttributes(attrs...)
	}
}
