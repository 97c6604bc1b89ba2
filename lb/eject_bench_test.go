package lb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// What goes round a strategy beside the strategy alone.
func BenchmarkPickRound(b *testing.B) {
	for _, s := range []struct {
		name     string
		strategy lb.Strategy
	}{
		{"least request", lb.LeastRequest()},
		{"eject", lb.Eject(lb.LeastRequest())},
		{"slow start", lb.SlowStart(lb.LeastRequest())},
		{"least loaded", lb.LeastLoaded(new(lb.Loads))},
	} {
		for _, n := range []int{3, 100, 10000} {
			e, _ := endpointer(b, instances(n), nil)
			balancer := lb.New(e, s.strategy)
			ctx := b.Context()
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					l, _ := balancer.Pick(ctx)
					l.Done(ctx, nil)
				}
			})
			b.Run(fmt.Sprintf("%s/%d/parallel", s.name, n), func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						l, _ := balancer.Pick(ctx)
						l.Done(ctx, nil)
					}
				})
			})
		}
	}
}

// Without the balancer's clock: 48 ns of every call that somebody observes.
func BenchmarkEjectPickerAlone(b *testing.B) {
	for _, faults := range []int{0, 5} {
		w := newWard(b, 100, lb.Eject(lb.LeastRequest()))
		w.observe(7, lb.Faulted, faults)
		o, ctx := w.picker.(lb.Observer), b.Context()
		b.Run(fmt.Sprintf("out %d", faults/5), func(b *testing.B) {
			for b.Loop() {
				o.Observe(o.Pick(ctx, w.now), lb.Outcome{Start: w.now, End: w.now})
			}
		})
	}
}

// An ejection and a return.
func BenchmarkEjection(b *testing.B) {
	for _, n := range []int{3, 100, 10000} {
		w := newWard(b, n, lb.Eject(lb.LeastRequest(), lb.EjectFaults(1), lb.EjectTime(1, time.Hour)))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				w.now++
				w.observe(1, lb.Faulted, 1)
				w.now += time.Hour
				w.observe(w.pick(), lb.Served, 1)
			}
		})
	}
}
