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
	attrs := slices.Concat([]attribute.KeyValue{system, semconv.RPCMethod(name)}, c.attrs)
	return &tracer{
		Tracer: made, wire: newWire(c.propagator), name: name, kind: kind,
		start:  []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attrs...)},
		pinned: c.pinned, text: c.text,
	}
}

// span is one call or attempt.
type span struct {
	trace.Span
	*tracer
	ctx      context.Context
	seen     *call.Record // nil if nobody is to be observed
	returned bool         // and did not panic
}

func (t *tracer) begin(ctx context.Context) span {
	c := call.From(ctx)
	ctx, made := t.Start(t.extract(ctx, c), t.name, t.start...)
	s := span{Span: made, tracer: t, ctx: t.attach(ctx, c)}
	if !made.IsRecording() {
		return s
	}
	if t.kind == trace.SpanKindClient && !t.pinned {
		s.ctx, s.seen = call.Observe(s.ctx)
	}
	s.describe(c)
	return s
}

// describe says what is known at the start of this call and no other.
func (s *span) describe(c *call.Call) {
	var room [3]attribute.KeyValue
	attrs := room[:0]
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
