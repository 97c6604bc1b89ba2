package call_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/dowelkit/dowel/call"
)

// tracer writes the trace that it finds in the context.
type tracer struct{}

type traceKey struct{}

func (tracer) Inject(ctx context.Context, out call.Carrier) {
	out.Set(call.TraceparentKey, ctx.Value(traceKey{}).(string))
}

func (tracer) Replaces(key string) bool { return key == "traceparent" || key == "tracestate" }

func TestInjectedBy(t *testing.T) {
	ctx := call.With(t.Context(), call.RequestID("r"), call.InjectedBy(tracer{}),
		call.Value(call.TraceparentKey, "old"), call.Value(call.TracestateKey, "old"), call.Value(call.BaggageKey, "k=v"))
	ctx = context.WithValue(ctx, traceKey{}, "new")
	out := header{call.TraceparentKey: {"older"}}
	new(call.Propagator).Inject(ctx, out)
	want := header{"X-Request-Id": {"r"}, "Traceparent": {"new"}, "Baggage": {"k=v"}}
	if fmt.Sprint(out) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", out, want)
	}
	if got := call.From(ctx).Injector(); got != (tracer{}) {
		t.Errorf("the injector is %v", got)
	}

	out = header{}
	new(call.Propagator).Inject(call.With(ctx, call.InjectedBy(nil)), out)
	want = header{"X-Request-Id": {"r"}, "Traceparent": {"old"}, "Tracestate": {"old"}, "Baggage": {"k=v"}}
	if fmt.Sprint(out) != fmt.Sprint(want) {
		t.Errorf("without an injector: got  %v\nwant %v", out, want)
	}
	if call.From(t.Context()).Injector() != nil {
		t.Error("there is an injector without a call")
	}
}

func TestAnInjectorDoesNotComeIn(t *testing.T) {
	ctx := call.With(t.Context(), call.InjectedBy(tracer{}))
	ctx, cancel := new(call.Propagator).Extract(ctx, header{})
	defer cancel()
	if call.From(ctx).Injector() != nil {
		t.Error("an incoming call has the injector of another")
	}
}
