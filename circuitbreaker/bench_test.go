package circuitbreaker_test

import (
	"context"
	"testing"

	"github.com/dowelkit/dowel/circuitbreaker"
)

func BenchmarkBreak(b *testing.B) {
	idle := func(context.Context, int) (int, error) { return 0, nil }
	closed := circuitbreaker.New("closed")
	open := circuitbreaker.New("open", circuitbreaker.TripAfter(1))
	_, _ = circuitbreaker.Break(play, open)(b.Context(), answer(errBroken))
	for name, c := range map[string]*circuitbreaker.Circuit{"closed": closed, "open": open} {
		guarded := circuitbreaker.Break(idle, c)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = guarded(b.Context(), 1)
			}
		})
	}
}

func BenchmarkThrottle(b *testing.B) {
	idle := func(context.Context, int) (int, error) { return 0, nil }
	well := circuitbreaker.Throttle(idle, circuitbreaker.NewThrottler("well"))
	forced := circuitbreaker.NewThrottler("forced open")
	forced.Force(circuitbreaker.ForceOpen)
	for name, guarded := range map[string]func(context.Context, int) (int, error){
		"well": well, "forced open": circuitbreaker.Throttle(idle, forced),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = guarded(b.Context(), 1)
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = well(b.Context(), 1)
			}
		})
	})
}
