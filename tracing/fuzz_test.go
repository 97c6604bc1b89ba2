package tracing_test

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/tracing"
)

// Whatever comes in, what goes out is one well-formed trace: that of the parent if
// there was one, and else a new one.
func FuzzW3C(f *testing.F) {
	f.Add(sampled, "vendor=1", "user=ada")
	f.Add(unsampled, "a=1,b=2", "k=v;p=1,")
	f.Add("ff-"+traceID+"-00f067aa0ba902b7-01", "=,", "%zz=%")
	f.Add("", "a=1", ",,,")
	f.Fuzz(func(t *testing.T, traceparent, tracestate, baggage string) {
		in := headers{"Traceparent": traceparent, "Tracestate": tracestate, "Baggage": baggage}
		out, server, client, parent := pass(t, in)
		if got := server.TraceID() == parent.TraceID(); got != parent.IsValid() {
			t.Errorf("trace %v below %v", server.TraceID(), parent)
		}
		// A header that HTTP lets through is read as the propagator alone reads it.
		believed := headers{}
		new(call.Propagator).Inject(received(t, in), believed)
		alone := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), believed))
		if alone.SpanID() != parent.SpanID() || alone.TraceState().String() != parent.TraceState().String() {
			t.Errorf("the parent is %v, want %v", parent, alone)
		}
		again := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), out))
		if again.TraceID() != client.TraceID() || again.SpanID() != client.SpanID() {
			t.Errorf("sent %v, want the trace of %v", out, client)
		}
		if out["Tracestate"] != "" && !parent.IsValid() {
			t.Errorf("sent the trace state %q of no parent", out["Tracestate"])
		}
	})
}

func FuzzB3(f *testing.F) {
	f.Add(traceID+"-00f067aa0ba902b7-1", "", "", "", "")
	f.Add("", traceID, "00f067aa0ba902b7", "1", "")
	f.Add("0", traceID[:16], "00f067aa0ba902b7", "d", "1")
	f.Add("", "", "", "1", "")
	f.Fuzz(func(t *testing.T, single, trace, span, sampled, flags string) {
		in := headers{}
		for key, value := range map[string]string{
			"b3": single, "x-b3-traceid": trace, "x-b3-spanid": span, "x-b3-sampled": sampled, "x-b3-flags": flags,
		} {
			in[http.CanonicalHeaderKey(key)] = value
		}
		out, server, client, parent := pass(t, in, tracing.Propagator(b3.New()))
		if parent.IsValid() && server.TraceID() != parent.TraceID() {
			t.Errorf("trace %v below %v", server.TraceID(), parent)
		}
		if want := server.TraceID().String() + "-" + client.SpanID().String(); len(out) != 1 || !strings.HasPrefix(out["B3"], want) {
			t.Errorf("sent %v, want %s and nothing else", out, want)
		}
	})
}
