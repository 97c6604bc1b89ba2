package main

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/tracing"
)

// hop starts a service with a Sum of its own, and returns a client that has found it.
func hop(t *testing.T, w wire, sum func(context.Context, SumRequest) (int64, error)) Endpoints {
	t.Helper()
	registry := memory.NewRegistry()
	start(t, registry, w.server(Endpoints{Sum: sum, Concat: Service{}.Concat}, nil))
	client, hangUp, err := w.client(registry.Instancer("addsvc"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hangUp() })
	eventually(t, func() bool { _, err := client.Concat(t.Context(), ConcatRequest{}); return err == nil })
	return client
}

// A call that crosses two hops is one trace, whichever wire is which: each server's span
// is below that of its caller. A trace that is in gRPC's metadata from before, as where a
// handler passes on what came in, is replaced and joins nothing.
func TestSpansCrossBothWires(t *testing.T) {
	for _, first := range wires {
		for _, second := range wires {
			t.Run(first.name+" "+second.name, func(t *testing.T) {
				spans := tracetest.NewInMemoryExporter()
				provider := tracing.Provider(sdk.NewTracerProvider(sdk.WithSyncer(spans)))
				last := hop(t, second, tracing.Server(Service{}.Sum, "last", provider))
				outward := tracing.Client(last.Sum, "to last", provider)
				middle := hop(t, first, tracing.Server(outward, "middle", provider))
				sum := tracing.Client(middle.Sum, "to middle", provider)

				stale := "00-11111111111111111111111111111111-2222222222222222-01"
				ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", stale)
				if v, err := sum(ctx, SumRequest{A: 1, B: 2}); v != 3 || err != nil {
					t.Fatalf("%d, %v", v, err)
				}
				got := spans.GetSpans() // those within others end first
				want := []string{"last", "to last", "middle", "to middle"}
				if len(got) != len(want) {
					t.Fatalf("%d spans, want %v", len(got), want)
				}
				var parent trace.SpanID // of who calls, which is none at first
				for i := len(want) - 1; i >= 0; i-- {
					if got[i].Name != want[i] || got[i].Parent.SpanID() != parent || got[i].SpanContext.TraceID() != got[3].SpanContext.TraceID() {
						t.Errorf("span %d is %q below %v in trace %v, want %q below %v in %v", i, got[i].Name,
							got[i].Parent.SpanID(), got[i].SpanContext.TraceID(), want[i], parent, got[3].SpanContext.TraceID())
					}
					parent = got[i].SpanContext.SpanID()
				}
			})
		}
	}
}
