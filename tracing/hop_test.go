package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// serve makes a service of an endpoint and returns the endpoint that calls it.
func serve(t testing.TB, e endpoint.Endpoint[string, string], opts ...httpkit.HandlerOption) endpoint.Endpoint[string, string] {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /", httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON, opts...))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client, err := httpkit.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return httpkit.NewEndpoint[string, string](client, "POST /")
}

// Three services in a chain: each span is below that of the caller, and the trace,
// the request ID and the baggage are the same in all of them.
func TestOneTraceAcrossThreeServices(t *testing.T) {
	r := record(t)
	var journal bytes.Buffer // of one call, so of one goroutine at a time
	logger := slog.New(log.NewHandler(slog.NewJSONHandler(&journal, nil), tracing.LogAttrs))
	last := func(ctx context.Context, text string) (string, error) {
		logger.InfoContext(ctx, "third")
		return baggage.FromContext(ctx).Member("user").Value(), nil
	}
	third := tracing.Client(serve(t, tracing.Server(last, "third", r.option())), "third", r.option())
	middle := func(ctx context.Context, text string) (string, error) {
		logger.InfoContext(ctx, "second")
		return third(ctx, text)
	}
	second := tracing.Client(serve(t, tracing.Server(middle, "second", r.option())), "second", r.option())
	entry := func(ctx context.Context, text string) (string, error) {
		logger.InfoContext(ctx, "first")
		return second(ctx, text)
	}
	first := tracing.Client(serve(t, tracing.Server(entry, "first", r.option())), "first", r.option())

	member, _ := baggage.NewMember("user", "ada")
	bag, _ := baggage.New(member)
	for range 3 { // nothing accumulates from call to call
		r.exporter.Reset()
		journal.Reset()
		answer, err := first(baggage.ContextWithBaggage(t.Context(), bag), "x")
		if err != nil || answer != "ada" {
			t.Fatalf("the third service says %q, %v: want the first one's baggage", answer, err)
		}
		spans := r.spans() // those that are within others end first
		want := []string{"third", "third", "second", "second", "first", "first"}
		if len(spans) != len(want) {
			t.Fatalf("%d spans, want %d", len(spans), len(want))
		}
		for i, s := range spans {
			kind := trace.SpanKindServer
			if i%2 == 1 {
				kind = trace.SpanKindClient
			}
			if s.Name != want[i] || s.SpanKind != kind {
				t.Errorf("span %d is %q of kind %v", i, s.Name, s.SpanKind)
			}
			if i+1 < len(spans) && s.Parent.SpanID() != spans[i+1].SpanContext.SpanID() {
				t.Errorf("span %d is not below the next", i)
			}
			if s.Parent.IsRemote() != (kind == trace.SpanKindServer) {
				t.Errorf("span %d: the parent is remote: %v", i, s.Parent.IsRemote())
			}
			if s.SpanContext.TraceID() != spans[0].SpanContext.TraceID() {
				t.Errorf("span %d is of another trace", i)
			}
		}
		joined(t, &journal, spans[0].SpanContext.TraceID().String())
	}
}

// joined looks for a record of each of the services, with the same IDs.
func joined(t *testing.T, journal *bytes.Buffer, traceID string) {
	t.Helper()
	seen, requests := map[string]bool{}, map[any]bool{}
	for d := json.NewDecoder(journal); d.More(); {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if m[tracing.TraceIDKey] != traceID {
			t.Errorf("the record %v is not of the trace %s", m, traceID)
		}
		seen[m[tracing.SpanIDKey].(string)], requests[m[log.RequestIDKey]] = true, true
	}
	// The first service gives the request its ID.
	if len(seen) != 3 || len(requests) != 1 {
		t.Errorf("%d spans and %d requests in the records, want 3 and 1", len(seen), len(requests))
	}
}

// Between traced services there may be some that are not.
func TestATracePassesThroughWhoTracesNothing(t *testing.T) {
	r := record(t)
	third := serve(t, tracing.Server(echo, "third", r.option()))
	second := serve(t, tracing.Server(third, "second")) // without a provider
	first := tracing.Client(second, "first", r.option())
	if _, err := first(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	spans := r.spans()
	if len(spans) != 2 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() {
		t.Errorf("%d spans, want the third service's below the first's: %v", len(spans), spans)
	}
}

// Whoever traces its server alone is still a node of the tree.
func TestWhatAServerCallsIsBelowItsSpan(t *testing.T) {
	r := record(t)
	second := serve(t, tracing.Server(echo, "second", r.option()))
	first := tracing.Client(serve(t, tracing.Server(second, "first", r.option())), "first", r.option())
	if _, err := first(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	spans := r.spans()
	if len(spans) != 3 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() {
		t.Errorf("%d spans, want the second service's below the first's: %v", len(spans), spans)
	}
}

// The state of a trace that the request had from before is not sent beside the parent
// of the span.
func TestWhatARequestHadOfAnotherTraceIsNotSent(t *testing.T) {
	r := record(t)
	var came http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came = r.Header }))
	t.Cleanup(server.Close)
	instances, err := static.NewInstancer(sd.Instance{Addr: server.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	transport := httpkit.NewRoundTripper(httpkit.Service("echo", instances, lb.RoundRobin()))
	t.Cleanup(func() { _ = transport.Close() })
	if err := transport.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context, _ string) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://echo/", nil)
		if err != nil {
			return "", err
		}
		req.Header = http.Header{"Traceparent": {sampled}, "Tracestate": {"old=1", "older=2"}, "Baggage": {"user=ada"}, "X-Tenant": {"acme"}}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return "", err
		}
		return "", resp.Body.Close()
	}
	carries := tracing.Propagator(propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{}, tenant{}))
	if _, err := tracing.Client(ask, "Echo", r.option(), carries)(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	span := r.spans()[0].SpanContext
	if got, want := came.Get("Traceparent"), "00-"+span.TraceID().String()+"-"+span.SpanID().String()+"-01"; got != want {
		t.Errorf("the parent is %q, want %q", got, want)
	}
	if state, there := came["Tracestate"]; there {
		t.Errorf("with the state %q", state)
	}
	if came.Get("Baggage") != "user=ada" || came.Get("X-Tenant") != "acme" {
		t.Errorf("what is of no trace is %q and %q", came["Baggage"], came["X-Tenant"])
	}
}

// tenant propagates what is of no trace, and has none.
type tenant struct{ propagation.TraceContext }

func (tenant) Inject(context.Context, propagation.TextMapCarrier) {}
func (tenant) Fields() []string                                   { return []string{"X-Tenant"} }

func TestASpanThatIsThereAlreadyIsTheParent(t *testing.T) {
	r := record(t)
	ctx, outer := r.Tracer("").Start(received(t, map[string]string{"Traceparent": sampled}), "handler")
	_, _ = tracing.Server(echo, "Echo", r.option())(ctx, "x")
	outer.End()
	if s := r.spans()[0]; s.Parent.SpanID() != outer.SpanContext().SpanID() {
		t.Errorf("the parent is %v, want the span of the context", s.Parent)
	}
}
