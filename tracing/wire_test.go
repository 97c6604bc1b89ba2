package tracing_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// headers makes a carrier of HTTP headers, as a transport does.
type headers map[string]string

func (h headers) Get(key string) string { return h[http.CanonicalHeaderKey(key)] }
func (h headers) Set(key, value string) { h[http.CanonicalHeaderKey(key)] = value }
func (h headers) Keys() []string        { return slices.Collect(maps.Keys(h)) }

// received returns the context of a call that came in with the headers.
func received(t testing.TB, in headers, allow ...string) context.Context {
	t.Helper()
	ctx, cancel := call.NewPropagator(allow...).Extract(t.Context(), in, call.RequestID("r"))
	t.Cleanup(cancel)
	return ctx
}

// sent returns what a call with that context would send of a trace.
func sent(ctx context.Context) headers {
	out := headers{}
	new(call.Propagator).Inject(ctx, out)
	delete(out, call.RequestIDKey)
	return out
}

// pass calls a server that calls a client, and returns what that sends and the spans
// of both.
func pass(t testing.TB, in headers, opts ...tracing.Option) (out headers, server, client trace.SpanContext, parent trace.SpanContext) {
	t.Helper()
	r := record(t)
	opts = append(opts, r.option())
	leaf := func(ctx context.Context, text string) (string, error) {
		out = sent(ctx)
		return text, nil
	}
	e := tracing.Server(tracing.Client(leaf, "Echo", opts...), "Echo", opts...)
	var allow []string
	for key := range in {
		if !slices.Contains([]string{"Traceparent", "Tracestate", "Baggage"}, key) {
			allow = append(allow, key)
		}
	}
	_, _ = e(received(t, in, allow...), "x")
	spans := r.spans()
	return out, spans[1].SpanContext, spans[0].SpanContext, spans[1].Parent
}

func TestW3C(t *testing.T) {
	out, server, client, parent := pass(t, headers{
		"Traceparent": sampled, "Tracestate": "vendor=1", "Baggage": "user=ada", "X-Tenant": "acme",
	})
	if server.TraceID().String() != traceID || parent.SpanID().String() != "00f067aa0ba902b7" {
		t.Errorf("the server's span is %v below %v", server.TraceID(), parent.SpanID())
	}
	want := headers{
		"Traceparent": "00-" + traceID + "-" + client.SpanID().String() + "-01",
		"Tracestate":  "vendor=1", "Baggage": "user=ada", "X-Tenant": "acme",
	}
	if !maps.Equal(out, want) {
		t.Errorf("sent %v, want %v", out, want)
	}
}

// What cannot be believed is as if it were not there, and nothing of it is sent on.
func TestHostileHeaders(t *testing.T) {
	for name, in := range map[string]headers{
		"empty":            {"Traceparent": "", "Tracestate": "vendor=1"},
		"zero trace ID":    {"Traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "Tracestate": "vendor=1"},
		"zero span ID":     {"Traceparent": "00-" + traceID + "-0000000000000000-01"},
		"upper case":       {"Traceparent": strings.ToUpper(sampled)},
		"version ff":       {"Traceparent": "ff" + sampled[2:], "Tracestate": "vendor=1"},
		"more of it":       {"Traceparent": sampled + "-" + strings.Repeat("0", 4000)},
		"line break":       {"Traceparent": sampled + "\r\nX-Admin: 1"},
		"too long":         {"Traceparent": strings.Repeat("0", call.MaxTraceLen+1), "Tracestate": strings.Repeat("a=1,", 4000)},
		"no hexadecimals":  {"Traceparent": "00-" + strings.Repeat("g", 32) + "-00f067aa0ba902b7-01"},
		"a state alone":    {"Tracestate": "vendor=1"},
		"the wrong layout": {"Traceparent": strings.ReplaceAll(sampled, "-", "_")},
	} {
		out, server, client, parent := pass(t, in)
		if parent.IsValid() || !server.IsValid() || server.TraceID().String() == traceID {
			t.Errorf("%s: trace %v below %v, want a new one", name, server.TraceID(), parent)
		}
		want := headers{"Traceparent": "00-" + server.TraceID().String() + "-" + client.SpanID().String() + "-01"}
		if !maps.Equal(out, want) {
			t.Errorf("%s: sent %v, want %v", name, out, want)
		}
	}
}

func TestB3BothWays(t *testing.T) {
	single := headers{"B3": traceID + "-00f067aa0ba902b7-1-0000000000000001"}
	multi := headers{
		"X-B3-Traceid": traceID, "X-B3-Spanid": "00f067aa0ba902b7", "X-B3-Parentspanid": "0000000000000001", "X-B3-Sampled": "1",
	}
	for _, tt := range []struct {
		name     string
		encoding b3.Encoding
		in       headers
		want     func(span string) headers
	}{
		{"single", b3.B3SingleHeader, single, func(span string) headers { return headers{"B3": traceID + "-" + span + "-1"} }},
		{"multi to single", b3.B3SingleHeader, multi, func(span string) headers { return headers{"B3": traceID + "-" + span + "-1"} }},
		{"multi", b3.B3MultipleHeader, multi, func(span string) headers {
			return headers{"X-B3-Traceid": traceID, "X-B3-Spanid": span, "X-B3-Sampled": "1"}
		}},
		{"single to multi", b3.B3MultipleHeader, single, func(span string) headers {
			return headers{"X-B3-Traceid": traceID, "X-B3-Spanid": span, "X-B3-Sampled": "1"}
		}},
	} {
		opt := tracing.Propagator(b3.New(b3.WithInjectEncoding(tt.encoding)))
		out, server, client, parent := pass(t, tt.in, opt)
		if server.TraceID().String() != traceID || parent.SpanID().String() != "00f067aa0ba902b7" {
			t.Errorf("%s: the server's span is %v below %v", tt.name, server.TraceID(), parent.SpanID())
		}
		if want := tt.want(client.SpanID().String()); !maps.Equal(out, want) {
			t.Errorf("%s: sent %v, want %v", tt.name, out, want)
		}
	}
}

func TestB3OverHTTP(t *testing.T) {
	for _, encoding := range []b3.Encoding{b3.B3SingleHeader, b3.B3MultipleHeader} {
		r := record(t)
		p := b3.New(b3.WithInjectEncoding(encoding))
		opts := []tracing.Option{r.option(), tracing.Propagator(p)}
		remote := serve(t, tracing.Server(echo, "Echo", opts...), httpkit.Allow(tracing.Headers(p)...))
		if _, err := tracing.Client(remote, "Echo", opts...)(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		spans := r.spans()
		if len(spans) != 2 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() {
			t.Errorf("encoding %v: the spans are %v", encoding, spans)
		}
	}
}

func TestHeaders(t *testing.T) {
	all := []string{"b3", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"}
	w3c := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	for _, tt := range []struct {
		name string
		p    propagation.TextMapPropagator
		want []string
	}{
		{"W3C", w3c, nil},
		{"B3 single", b3.New(), all},
		{"B3 multi", b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)), all},
		{"both", propagation.NewCompositeTextMapPropagator(w3c, b3.New()), all},
	} {
		got := tracing.Headers(tt.p)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		call.NewPropagator(got...) // does not panic
	}
}

// A client below a server without tracing goes on with the trace that came in.
func TestClientGoesOnWithTheTraceOfTheCall(t *testing.T) {
	r := record(t)
	var out headers
	e := tracing.Client(func(ctx context.Context, text string) (string, error) {
		out = sent(ctx)
		return text, nil
	}, "Echo", r.option())
	_, _ = e(received(t, headers{"Traceparent": sampled, "Baggage": "user=ada"}), "x")
	s := r.only(t)
	if s.Parent.SpanID().String() != "00f067aa0ba902b7" || s.SpanContext.TraceID().String() != traceID {
		t.Errorf("the span is below %v", s.Parent)
	}
	want := headers{"Traceparent": "00-" + traceID + "-" + s.SpanContext.SpanID().String() + "-01", "Baggage": "user=ada"}
	if !maps.Equal(out, want) {
		t.Errorf("sent %v, want %v", out, want)
	}
}

func TestASampledOutTraceIsSentAsSuch(t *testing.T) {
	var out headers
	e := tracing.Client(func(ctx context.Context, text string) (string, error) {
		out = sent(ctx)
		return text, nil
	}, "Echo", tracing.Provider(never()))
	_, _ = e(received(t, headers{"Traceparent": unsampled}), "x")
	if got := out["Traceparent"]; !strings.HasPrefix(got, "00-"+traceID) || !strings.HasSuffix(got, "-00") || got == unsampled {
		t.Errorf("sent %q, want the same trace, not sampled, from a span of its own", got)
	}
}

// What a client's own propagator writes is sent, and nothing of the server's.
func TestEachClientHasItsPropagator(t *testing.T) {
	r := record(t)
	var out headers
	leaf := func(ctx context.Context, text string) (string, error) {
		out = sent(ctx)
		return text, nil
	}
	e := tracing.Client(leaf, "Echo", r.option(), tracing.Propagator(b3.New()))
	_, _ = tracing.Server(e, "Echo", r.option())(t.Context(), "x")
	client := r.spans()[0].SpanContext
	want := headers{"B3": client.TraceID().String() + "-" + client.SpanID().String() + "-1"}
	if !maps.Equal(out, want) {
		t.Errorf("sent %v, want %v", out, want)
	}
}
