package lb_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// Idle instances share by weight, busy ones are compared by load per weight.
func TestLeastRequestHeedsWeights(t *testing.T) {
	weights := []int{1, 2, 4, 0}
	nodes := weighted(weights...)
	p := fixed(lb.LeastRequest()).Picker(nodes, nil)
	for i, got := range picks(p, len(nodes), 80_000) {
		if want := 80_000 * share(weights, i); math.Abs(float64(got)-want) > 0.05*want {
			t.Errorf("instance %d got %d of %.0f", i, got, want)
		}
	}

	pair := weighted(1, 3)
	p = fixed(lb.LeastRequest()).Picker(pair, nil)
	for range 8 {
		pair[1].Acquire()
	}
	pair[0].Acquire()
	pair[0].Acquire()
	// (2+1)/1 is no less than (8+1)/3: of equals the first drawn wins.
	if got := picks(p, 2, 1000); got[0] == 0 || got[1] == 0 {
		t.Errorf("at equal load: %v", got)
	}
	pair[1].Release()
	if got := picks(p, 2, 1000); got[0] != 0 {
		t.Errorf("at (2+1)/1 against (7+1)/3: %v", got)
	}
	pair[1].Acquire()
	pair[1].Acquire()
	if got := picks(p, 2, 1000); got[1] != 0 {
		t.Errorf("at (2+1)/1 against (9+1)/3: %v", got)
	}
}

// Of two idle instances the heavier one is picked, so that the light ones are left with
// their share of the pairs that are drawn: a hundredth, by weight, and not a quarter.
func TestPeakEWMADrawsByWeight(t *testing.T) {
	weights := append(slices.Repeat([]int{1}, 10), slices.Repeat([]int{9}, 10)...)
	nodes := weighted(weights...)
	w := &ward{TB: t, strategy: lb.PeakEWMA(), now: time.Second}
	w.set(nodes)
	light := 0
	for i, n := range w.spread(20_000) {
		light += n * count(weights[i] == 1)
	}
	if light < 100 || light > 400 { // of 200, and by the tenth of hops that a draw of the same twice takes
		t.Errorf("the light ones have %d of 20,000 idle picks", light)
	}
}

// As many calls stay in flight as fit: each instance carries its share of them.
func TestLeastRequestFillsByWeight(t *testing.T) {
	weights := []int{1, 1, 2, 4, 8}
	nodes := weighted(weights...)
	p := fixed(lb.LeastRequest()).Picker(nodes, nil)
	for range 1600 {
		nodes[p.Pick(t.Context(), 0)].Acquire()
	}
	for i, n := range nodes {
		if got, want := float64(n.InFlight()), 1600*share(weights, i); math.Abs(got-want) > 0.1*want {
			t.Errorf("instance %d has %.0f of %.0f in flight", i, got, want)
		}
	}
}
