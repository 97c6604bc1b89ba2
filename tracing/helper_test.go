package tracing_test

import (
	"context"
	"maps"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/tracing"
)

// recorder keeps the spans that ended, in that order.
type recorder struct {
	*sdk.TracerProvider
	exporter *tracetest.InMemoryExporter
}

func record(t testing.TB) *recorder {
	t.Helper()
	e := tracetest.NewInMemoryExporter()
	r := &recorder{sdk.NewTracerProvider(sdk.WithSyncer(e), sdk.WithSampler(sdk.AlwaysSample())), e}
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

func (r *recorder) option() tracing.Option { return tracing.Provider(r.TracerProvider) }

func (r *recorder) spans() tracetest.SpanStubs { return r.exporter.GetSpans() }

// only returns the one span that there is.
func (r *recorder) only(t testing.TB) tracetest.SpanStub {
	t.Helper()
	all := r.spans()
	if len(all) != 1 {
		t.Fatalf("%d spans, want 1: %v", len(all), all)
	}
	return all[0]
}

func attributes(attrs []attribute.KeyValue) map[attribute.Key]any {
	found := map[attribute.Key]any{}
	for _, a := range attrs {
		found[a.Key] = a.Value.AsInterface()
	}
	return found
}

// with returns what every span of the method has, and more.
func with(method string, more map[attribute.Key]any) map[attribute.Key]any {
	all := map[attribute.Key]any{"rpc.system.name": "dowel", "rpc.method": method}
	maps.Copy(all, more)
	return all
}

func same(t testing.TB, what string, got, want map[attribute.Key]any) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func echo(_ context.Context, text string) (string, error) { return text, nil }

func failing(err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return "", err }
}
