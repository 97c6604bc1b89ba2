package e2e_test

import (
	"context"
	"io"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/tracing/zipkin"
)

// What a Collector has of one request, whatever it came by: one trace, retries as
// siblings, and a hedge's loser that is cancelled and is no error.
const tree = `client front/Buy of user: OK, instance any
  server front/Buy of front: OK
    client orders/Place of front: OK, instance any
      server orders/Place of orders: OK
        client bank/Reserve of orders: OK, attempts 2, instance any
          client bank/Reserve of orders: UNAVAILABLE, error, instance another, exception *endpoint.Error CLOSED
            server bank/Reserve of bank: UNAVAILABLE, error, exception *endpoint.Error CLOSED
          client bank/Reserve of orders: OK, attempt 2, instance the same
            server bank/Reserve of bank: OK, retries 1
        client bank/Take of orders: OK, attempts 2, instance any
          client bank/Take of orders: CANCELLED, instance another
            server bank/Take of bank: CANCELLED
          client bank/Take of orders: OK, attempt 2, instance the same
            server bank/Take of bank: OK, retries 1
`

const spansOfTree = 14

func TestACollectorHasTheTreeOfARequest(t *testing.T) {
	exporters := map[string]func(context.Context, *testserver.Collector) (sdk.SpanExporter, error){
		"OTLP over HTTP": func(ctx context.Context, c *testserver.Collector) (sdk.SpanExporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.OTLP()+"/v1/traces"))
		},
		"OTLP over gRPC": func(ctx context.Context, c *testserver.Collector) (sdk.SpanExporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(c.OTLPGRPC()))
		},
		"Zipkin": func(_ context.Context, c *testserver.Collector) (sdk.SpanExporter, error) {
			return zipkin.NewExporter(c.Zipkin(), nil)
		},
	}
	for name, exporter := range exporters {
		t.Run(name, func(t *testing.T) {
			collector := testserver.NewCollector(t)
			s := &shop{t: t, journal: io.Discard, tracing: map[string][]tracing.Option{}}
			var providers []*sdk.TracerProvider
			for _, service := range services {
				e, err := exporter(t.Context(), collector)
				if err != nil {
					t.Fatal(err)
				}
				p := sdk.NewTracerProvider(sdk.WithBatcher(e),
					sdk.WithResource(resource.NewSchemaless(semconv.ServiceName(service))))
				providers = append(providers, p)
				s.tracing[service] = []tracing.Option{tracing.Provider(p)}
			}
			buy := s.open()
			if got, err := buy(t.Context(), "tea"); got != "tea is yours" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			s.close()
			for _, p := range providers {
				if err := p.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			}

			spans := collector.Spans(spansOfTree)
			if name == "Zipkin" {
				for i := range spans {
					undoZipkin(t, &spans[i])
				}
			}
			for _, s := range spans {
				if s.TraceID != spans[0].TraceID || len(s.TraceID) != 32 {
					t.Errorf("the span %s of %s is of the trace %s, another of %s", s.Name, s.Service, s.TraceID, spans[0].TraceID)
				}
				if s.Scope != "github.com/dowelkit/dowel/tracing" || !s.End.After(s.Start) {
					t.Errorf("scope %q, from %v to %v", s.Scope, s.Start, s.End)
				}
			}
			if got := draw(spans, testserver.Span{}, ""); got != tree || len(spans) != spansOfTree {
				t.Errorf("of %d spans the tree is\n%s\nwant\n%s", len(spans), got, tree)
			}
		})
	}
}
