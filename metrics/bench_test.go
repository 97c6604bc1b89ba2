package metrics_test

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/dowelkit/dowel/metrics"
)

func BenchmarkServer(b *testing.B) {
	provider := sdk.NewMeterProvider(sdk.WithReader(sdk.NewManualReader()))
	e := metrics.Server(echo, "Echo", metrics.Provider(provider))
	ctx := b.Context()
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = e(ctx, "x")
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = e(ctx, "x")
			}
		})
	})
}
