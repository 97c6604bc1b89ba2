package rows_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

func TestMetersCountEachCall(t *testing.T) {
	reader := sdk.NewManualReader()
	if err := rows.Calls(rows.Metered(reader))(5); err != nil {
		t.Fatal(err)
	}
	var found metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	counted := uint64(0)
	for _, m := range found.ScopeMetrics[0].Metrics {
		if data, ok := m.Data.(metricdata.Histogram[float64]); ok {
			counted += data.DataPoints[0].Count
		}
	}
	if counted != 5 {
		t.Errorf("%d calls are counted, want 5", counted)
	}
	for name, both := range map[string]bool{"histogram": false, "tutorial": true} {
		registry := prometheus.NewRegistry()
		if err := rows.KitCalls(rows.KitMetered(registry, both))(5); err != nil {
			t.Fatal(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, f := range families {
			m := f.GetMetric()[0]
			total += int(m.GetCounter().GetValue()) + int(m.GetHistogram().GetSampleCount())
		}
		if want := map[bool]int{false: 5, true: 10}[both]; total != want {
			t.Errorf("Go kit's %s counts %d, want %d", name, total, want)
		}
	}
}
