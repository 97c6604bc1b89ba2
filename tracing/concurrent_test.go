package tracing_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/baggage"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/tracing"
)

// One stack of middleware serves many calls at once, and each has its own trace.
func TestMiddlewareConcurrentSafe(t *testing.T) {
	r := record(t)
	leaf := func(ctx context.Context, text string) (string, error) {
		out, attrs := sent(ctx), tracing.LogAttrs(ctx, nil)
		if id := attrs[0].Value.String(); len(attrs) != 2 || out["Traceparent"][3:35] != id {
			return "", fmt.Errorf("the trace sent is %q, the trace of the context %q", out["Traceparent"], id)
		}
		if text == "refused" {
			return "", &endpoint.Error{Code: endpoint.NotFound, Reason: "GONE"}
		}
		return baggage.FromContext(ctx).Member("n").Value(), nil
	}
	attempt := tracing.Client(leaf, "Echo", r.option())
	e := tracing.Server(tracing.Client(attempt, "Echo", r.option()), "Echo", r.option())
	const calls = 50
	var wg sync.WaitGroup
	for n := range calls {
		ctx := received(t, headers{"Baggage": fmt.Sprintf("n=%d", n)})
		wg.Go(func() {
			if got, err := e(ctx, "x"); got != fmt.Sprint(n) || err != nil {
				t.Errorf("call %d: %q, %v", n, got, err)
			}
			if _, err := e(ctx, "refused"); endpoint.CodeOf(err) != endpoint.NotFound {
				t.Errorf("call %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	spans, traces := r.spans(), map[string]int{}
	for _, s := range spans {
		traces[s.SpanContext.TraceID().String()]++
	}
	if len(spans) != 6*calls || len(traces) != 2*calls {
		t.Errorf("%d spans in %d traces, want %d in %d", len(spans), len(traces), 6*calls, 2*calls)
	}
}

func TestLogAttrs(t *testing.T) {
	given := []slog.Attr{slog.String("k", "v")}
	if got := tracing.LogAttrs(t.Context(), given); len(got) != 1 {
		t.Errorf("without a span: %v", got)
	}
	ctx, s := never().Tracer("").Start(t.Context(), "Echo")
	got := tracing.LogAttrs(ctx, given)
	want := []slog.Attr{
		given[0], slog.String("trace_id", s.SpanContext().TraceID().String()),
		slog.String("span_id", s.SpanContext().SpanID().String()),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sampled out: %v, want %v", got, want)
	}
}
