package tracing

import (
	"context"
	"net/textproto"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/call"
)

// wire moves a trace between calls and contexts. It is what calls have as their
// injector: what they send is the trace of the span that is current then.
type wire struct {
	propagator propagation.TextMapPropagator
	keys       []string // in lower case
	optional   []string // those of them that a trace need not have, canonical
	option     call.Option
	isDefault  bool
}

// newWire uses W3C trace context and baggage if p is nil.
func newWire(p propagation.TextMapPropagator) *wire {
	w := &wire{propagator: p, isDefault: p == nil}
	if w.isDefault {
		w.propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	w.keys = keysOf(w.propagator)
	for _, key := range w.keys {
		if key == "tracestate" || isB3(key) {
			w.optional = append(w.optional, textproto.CanonicalMIMEHeaderKey(key))
		}
	}
	w.option = call.InjectedBy(w)
	return w
}

// Inject writes the trace of ctx. What the carrier has of another trace goes: the state
// of one beside the parent of this would be taken for its own. What a propagator writes
// that is of no trace stays.
func (w *wire) Inject(ctx context.Context, out call.Carrier) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		for _, key := range w.optional {
			if out.Get(key) != "" {
				out.Set(key, "")
			}
		}
	}
	w.propagator.Inject(ctx, out)
}

// Replaces is true of what belongs to a trace: what is left of one that came in, such
// as the trace state of a parent that could not be read, would be taken for part of
// the new one. Baggage is no part of a trace, and passes through unless the context
// has some.
func (w *wire) Replaces(key string) bool { return !isBaggage(key) && slices.Contains(w.keys, key) }

// extract returns a context with the trace that came in with the call, unless it has
// one already.
func (w *wire) extract(ctx context.Context, c *call.Call) context.Context {
	if !w.has(c) || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return w.propagator.Extract(ctx, incoming{c})
}

func (w *wire) has(c *call.Call) bool {
	for _, key := range w.keys {
		if c.Value(key) != "" {
			return true
		}
	}
	return false
}

// attach returns a context whose call is injected by w, or by one of the same
// propagator, as a server and the clients that it calls have.
func (w *wire) attach(ctx context.Context, c *call.Call) context.Context {
	if other, ok := c.Injector().(*wire); ok && (other == w || w.isDefault && other.isDefault) {
		return ctx
	}
	return call.With(ctx, w.option)
}

// incoming lets a propagator read a call. It has the size of a pointer, so that it is
// handed over without an allocation.
type incoming struct{ *call.Call }

func (i incoming) Get(key string) string { return i.Value(key) }

// Set does nothing: a call is immutable.
func (i incoming) Set(string, string) {}

func (i incoming) Keys() (keys []string) {
	for key := range i.Values() {
		keys = append(keys, key)
	}
	return keys
}

// keysOf returns, in lower case, the keys of a trace that p writes or may have come in.
func keysOf(p propagation.TextMapPropagator) (keys []string) {
	for _, key := range p.Fields() {
		keys = append(keys, strings.ToLower(key))
	}
	if slices.ContainsFunc(keys, isB3) {
		keys = append(keys, b3Keys...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
