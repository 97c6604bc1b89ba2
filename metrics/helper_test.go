package metrics_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dowelkit/dowel/metrics"
)

// meter is a provider and what it knows.
type meter struct {
	t      testing.TB
	reader *sdk.ManualReader

	provider *sdk.MeterProvider
	with     metrics.Option
}

func newMeter(t testing.TB) *meter {
	t.Helper()
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return &meter{t, reader, provider, metrics.Provider(provider)}
}

// collect returns the metrics by name, of which there is one each.
func (m *meter) collect() map[string]metricdata.Metrics {
	m.t.Helper()
	var all metricdata.ResourceMetrics
	if err := m.reader.Collect(context.Background(), &all); err != nil {
		m.t.Fatal(err)
	}
	byName := map[string]metricdata.Metrics{}
	for _, s := range all.ScopeMetrics {
		for _, one := range s.Metrics {
			if _, twice := byName[one.Name]; twice {
				m.t.Errorf("two metrics are named %s", one.Name)
			}
			byName[one.Name] = one
		}
	}
	return byName
}

// series returns what there is of a metric: attributes and value, or count of a
// histogram, as "a=b,c=d: 5".
func (m *meter) series(name string) []string {
	m.t.Helper()
	lines := []string{}
	add := func(set attribute.Set, value any) {
		var parts []string
		for _, kv := range set.ToSlice() {
			parts = append(parts, fmt.Sprintf("%s=%s", kv.Key, kv.Value.String()))
		}
		lines = append(lines, fmt.Sprintf("%s: %v", strings.Join(parts, ","), value))
	}
	switch data := m.collect()[name].Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Count)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case nil:
	default:
		m.t.Fatalf("%s is a %T", name, data)
	}
	slices.Sort(lines)
	return lines
}

func (m *meter) want(name string, want ...string) {
	m.t.Helper()
	if got := m.series(name); !slices.Equal(got, want) {
		m.t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func echo(_ context.Context, text string) (string, error) { return text, nil }

func failing(err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return "", err }
}
