package metrics_test

import (
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/metrics"
)

// A slow call leads to its trace.
func TestExemplarsOfSampledSpans(t *testing.T) {
	m := newMeter(t)
	e := metrics.Server(echo, "orders/Place", m.with)
	span := trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}
	_, _ = e(trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(span)), "") // sampled out
	data := m.collect()["rpc.server.call.duration"].Data.(metricdata.Histogram[float64])
	if n := len(data.DataPoints[0].Exemplars); n != 0 {
		t.Errorf("%d exemplars of a span that is sampled out", n)
	}
	span.TraceFlags = trace.FlagsSampled
	sampled := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(span))
	_, _ = e(sampled, "")
	data = m.collect()["rpc.server.call.duration"].Data.(metricdata.Histogram[float64])
	if found := data.DataPoints[0].Exemplars; len(found) != 1 || string(found[0].SpanID) != string(span.SpanID[:]) {
		t.Errorf("the exemplars are %v, want one of the span", found)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = e(sampled, "") }); n != 0 {
		t.Errorf("%v allocations of a call with a sampled span", n)
	}
}
