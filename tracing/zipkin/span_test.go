package zipkin_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/tracing/zipkin"
)

var (
	begin = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	ids   = trace.SpanContextConfig{
		TraceID: trace.TraceID{0x4b, 15: 0x36}, SpanID: trace.SpanID{0xa1, 7: 0xb7}, TraceFlags: trace.FlagsSampled,
	}
	parent = trace.SpanContextConfig{TraceID: ids.TraceID, SpanID: trace.SpanID{7: 1}, TraceFlags: trace.FlagsSampled}
)

// What a Zipkin server gets of a span, as in its API's description.
func TestSpan(t *testing.T) {
	stub := tracetest.SpanStub{
		Name: "shop/Buy", SpanKind: trace.SpanKindClient,
		SpanContext: trace.NewSpanContext(ids), Parent: trace.NewSpanContext(parent),
		StartTime: begin, EndTime: begin.Add(1500 * time.Microsecond),
		Attributes: []attribute.KeyValue{
			attribute.String("server.address", "10.0.0.1"), attribute.Int("server.port", 80),
			attribute.Bool("b", true), attribute.StringSlice("s", []string{"x", "y"}),
		},
		Events: []sdk.Event{
			{Name: "plain", Time: begin.Add(time.Millisecond)},
			{Name: "rich", Time: begin.Add(time.Millisecond), Attributes: []attribute.KeyValue{
				attribute.String("k", "v"), attribute.Int("n", 7), attribute.IntSlice("l", []int{1, 2}),
			}},
			{Name: "odd", Time: begin, Attributes: []attribute.KeyValue{attribute.Float64("n", math.NaN())}},
		},
		Status:               sdk.Status{Code: codes.Error, Description: "no"},
		Resource:             resource.NewSchemaless(attribute.String("service.name", "orders")),
		InstrumentationScope: instrumentation.Scope{Name: "lib", Version: "1"},
		DroppedEvents:        3,
	}
	same(t, sent(t, stub), `{
		"traceId": "4b000000000000000000000000000036", "id": "a1000000000000b7", "parentId": "0000000000000001",
		"kind": "CLIENT", "name": "shop/Buy", "timestamp": 1767323045678901, "duration": 1500,
		"localEndpoint": {"serviceName": "orders"}, "remoteEndpoint": {"ipv4": "10.0.0.1", "port": 80},
		"annotations": [
			{"timestamp": 1767323045679901, "value": "plain"},
			{"timestamp": 1767323045679901, "value": "{\"rich\":{\"k\":\"v\",\"l\":\"[1,2]\",\"n\":7}}"},
			{"timestamp": 1767323045678901, "value": "odd"}
		],
		"tags": {
			"server.address": "10.0.0.1", "server.port": "80", "b": "true", "s": "[\"x\",\"y\"]",
			"otel.status_code": "ERROR", "error": "no", "otel.scope.name": "lib", "otel.scope.version": "1",
			"otel.dropped_events_count": "3"
		}
	}`)
}

// A root within the process that took no time, of which nothing is known.
func TestSpanOfNothing(t *testing.T) {
	same(t, sent(t, tracetest.SpanStub{
		Name: "x", SpanKind: trace.SpanKindInternal, SpanContext: trace.NewSpanContext(ids), StartTime: begin, EndTime: begin,
		Status:     sdk.Status{Code: codes.Ok},
		Attributes: []attribute.KeyValue{attribute.String("server.address", "10.0.0.1"), attribute.Bool("error", true)},
	}), `{
		"traceId": "4b000000000000000000000000000036", "id": "a1000000000000b7", "name": "x",
		"timestamp": 1767323045678901, "duration": 1, "tags": {"otel.status_code": "OK", "server.address": "10.0.0.1"}
	}`)
}

func TestRemoteEndpoint(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kind  trace.SpanKind
		attrs []attribute.KeyValue
		want  any
	}{
		{"a client's server by name", trace.SpanKindClient,
			[]attribute.KeyValue{attribute.String("server.address", "shop"), attribute.Int("server.port", 80)},
			map[string]any{"serviceName": "shop", "port": 80.0}},
		{"a client's peer", trace.SpanKindClient,
			[]attribute.KeyValue{attribute.String("network.peer.address", "2001:db8::1")}, map[string]any{"ipv6": "2001:db8::1"}},
		{"a server's peer", trace.SpanKindServer,
			[]attribute.KeyValue{attribute.String("network.peer.address", "::ffff:192.0.2.7"), attribute.Int("network.peer.port", 4711)},
			map[string]any{"ipv4": "192.0.2.7", "port": 4711.0}},
		{"a server's own address", trace.SpanKindServer,
			[]attribute.KeyValue{attribute.String("server.address", "10.0.0.1")}, nil},
		{"no port", trace.SpanKindClient,
			[]attribute.KeyValue{attribute.String("server.address", "shop"), attribute.Int("server.port", 1<<20)},
			map[string]any{"serviceName": "shop"}},
	} {
		got := sent(t, tracetest.SpanStub{SpanContext: trace.NewSpanContext(ids), SpanKind: tt.kind, Attributes: tt.attrs})
		if !reflect.DeepEqual(got["remoteEndpoint"], tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got["remoteEndpoint"], tt.want)
		}
	}
}

// sent returns what a server gets of the span.
func sent(t *testing.T, stub tracetest.SpanStub) map[string]any {
	t.Helper()
	s := serve(t)
	e, err := zipkin.NewExporter(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Shutdown(t.Context())
	if err := e.ExportSpans(t.Context(), []sdk.ReadOnlySpan{stub.Snapshot()}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.received()); n != 1 {
		t.Fatalf("the server got %d spans, want 1", n)
	}
	return s.received()[0]
}

func same(t *testing.T, got map[string]any, want string) {
	t.Helper()
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		text, _ := json.MarshalIndent(got, "", "\t")
		t.Errorf("the server got %s\nwant %s", text, want)
	}
}
