package lb_test

import (
	"context"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

func BenchmarkHedge(b *testing.B) {
	answer := func(context.Context, string) (string, error) { return "", nil }
	fixed := lb.Hedge(answer, lb.HedgeAfter(time.Minute))
	moving := lb.Hedge(answer, lb.HedgePercentile(0.95, time.Minute))
	for range 200 {
		_, _ = moving(b.Context(), "")
	}
	for _, bb := range []struct {
		name string
		e    endpoint.Endpoint[string, string]
	}{
		{"plain", answer}, {"retry", lb.Retry(answer)}, {"fixed", fixed}, {"percentile", moving},
		{"percentile not known", lb.Hedge(func(context.Context, string) (string, error) { return "", notProcessed })},
		{"a goroutine per call", func(ctx context.Context, req string) (string, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			timer := time.NewTimer(time.Minute)
			defer timer.Stop()
			done := make(chan error, 1)
			go func() {
				_, err := answer(ctx, req)
				done <- err
			}()
			select {
			case err := <-done:
				return "", err
			case <-timer.C:
				return "", nil
			}
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				_, _ = bb.e(ctx, "")
			}
		})
	}
}
