package lb_test

import (
	"fmt"
	"testing"

	"github.com/dowelkit/dowel/lb"
)

// What a change of the set costs the call that notices it.
func BenchmarkWeightedUpdate(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		for _, most := range []int{1, 100} {
			weights := make([]int, n)
			for i := range weights {
				weights[i] = 1 + i*7919%most
			}
			nodes := weighted(weights...)
			p := lb.WeightedRoundRobin().Picker(nodes, nil)
			b.Run(fmt.Sprintf("%d/weights to %d", n, most), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p = lb.WeightedRoundRobin().Picker(nodes, p)
				}
			})
		}
	}
}

func BenchmarkWeightedPick(b *testing.B) {
	for _, s := range []struct {
		name     string
		strategy lb.Strategy
	}{{"round robin", lb.WeightedRoundRobin()}, {"least request", lb.LeastRequest()}} {
		for _, n := range []int{3, 100, 10000} {
			for _, skew := range []int{1, 2, 1000, 1_000_000} {
				weights := make([]int, n)
				for i := range weights {
					weights[i] = 1
				}
				weights[n/2] = skew
				p := s.strategy.Picker(weighted(weights...), nil)
				b.Run(fmt.Sprintf("%s/%d/1:%d", s.name, n, skew), func(b *testing.B) {
					for b.Loop() {
						p.Pick(b.Context(), 0)
					}
				})
			}
		}
	}
}
