package e2e_test

import (
	"encoding/hex"
	"io"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/tracing"
)

// Whatever a service measured of a request leads to the span of that.
func TestTheExemplarsOfAllHopsLeadToTheTrace(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	traced := tracing.Provider(sdk.NewTracerProvider(sdk.WithSyncer(spans)))
	s := &shop{t: t, journal: io.Discard, tracing: map[string][]tracing.Option{}, metrics: map[string][]metrics.Option{}}
	readers := map[string]*sdkmetric.ManualReader{}
	for _, service := range services {
		readers[service] = sdkmetric.NewManualReader()
		s.tracing[service] = []tracing.Option{traced}
		s.metrics[service] = []metrics.Option{metrics.Provider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(readers[service])))}
	}
	buy := s.open()
	if _, err := buy(t.Context(), "tea"); err != nil {
		t.Error(err)
	}
	s.close()
	ended := spans.GetSpans()
	if len(ended) != spansOfTree {
		t.Fatalf("%d spans, want %d", len(ended), spansOfTree)
	}
	missing := map[string]bool{}
	for _, span := range ended {
		missing[span.SpanContext.TraceID().String()+" "+span.SpanContext.SpanID().String()] = true
	}
	for service, reader := range readers {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		for _, e := range exemplars(all) {
			id := hex.EncodeToString(e.TraceID) + " " + hex.EncodeToString(e.SpanID)
			if !missing[id] {
				t.Errorf("an exemplar of %s is of %s, which is no span or has one", service, id)
			}
			delete(missing, id)
		}
	}
	if len(missing) > 0 { // each span is of a call that is measured
		t.Errorf("%d spans have no exemplar", len(missing))
	}
}

// exemplars returns those of all histograms.
func exemplars(all metricdata.ResourceMetrics) (found []metricdata.Exemplar[float64]) {
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if h, ok := m.Data.(metricdata.Histogram[float64]); ok {
				for _, p := range h.DataPoints {
					found = append(found, p.Exemplars...)
				}
			}
		}
	}
	return found
}
