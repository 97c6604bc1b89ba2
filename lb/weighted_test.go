package lb_test

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// weighted returns one node per weight.
func weighted(weights ...int) []*sd.Node {
	nodes := make([]*sd.Node, len(weights))
	for i, w := range weights {
		nodes[i] = sd.NewNode(&sd.Instance{ID: fmt.Sprintf("w%07d", i), Addr: "10.0.0.1:80", Weight: w})
	}
	return nodes
}

// picks counts n idle picks.
func picks(p lb.Picker, nodes, n int) []int {
	counts := make([]int, nodes)
	for range n {
		counts[p.Pick(context.Background(), 0)]++
	}
	return counts
}

func share(weights []int, i int) float64 {
	total := 0.0
	for _, w := range weights {
		total += float64(max(1, w))
	}
	return float64(max(1, weights[i])) / total
}

func TestWeightedRoundRobinRespectsWeights(t *testing.T) {
	random := make([]int, 50)
	for i, r := 0, rand.New(rand.NewPCG(3, 4)); i < len(random); i++ {
		random[i] = 1 + r.IntN(100)
	}
	zipf := make([]int, 2000)
	for i := range zipf {
		zipf[i] = 1_000_000 / (1 + i)
	}
	for _, weights := range [][]int{
		zipf, {1}, {7}, {1, 2}, {5, 1, 1}, {1, 2, 4, 1, 2, 4}, {0, -3, 2}, {0, 0, 0}, {math.MinInt, 3}, {1, 10, 100},
		{math.MaxInt, math.MaxInt, math.MaxInt / 2}, random,
	} {
		const n = 100_000
		nodes := weighted(weights...)
		for name, s := range map[string]lb.Strategy{
			"": lb.WeightedRoundRobin(), "through all that goes round it": lb.SlowStart(lb.Eject(lb.WeightedRoundRobin())),
		} {
			for i, got := range picks(fixed(s).Picker(nodes, nil), len(nodes), n) {
				if want := n * share(weights, i); math.Abs(float64(got)-want) > max(0.01*want, stray) {
					t.Errorf("weights %v: %d got %d of %.0f %s", weights, i, got, want, name)
				}
			}
		}
	}
}

// stray is how many picks an instance may be away from its share after any number
// of them. It grows as the logarithm of their number, and depends on where the
// sequence starts; the greatest seen over 20,000 picks was 3.1.
const stray = 7

// Over any stretch, and not only in the long run, an instance has its share.
func TestWeightedRoundRobinIsSmooth(t *testing.T) {
	weights := []int{1, 2, 3, 5, 8, 13, 40, 1, 1, 26}
	nodes := weighted(weights...)
	p := fixed(lb.WeightedRoundRobin()).Picker(nodes, nil)
	counts := make([]int, len(nodes))
	last := make([]int, len(nodes))
	gaps := make([]map[int]bool, len(nodes))
	for k := 1; k <= 20_000; k++ {
		i := p.Pick(t.Context(), 0)
		if counts[i]++; counts[i] > 1 {
			if gaps[i] == nil {
				gaps[i] = map[int]bool{}
			}
			gaps[i][k-last[i]] = true
		}
		last[i] = k
		for i, c := range counts {
			if off := math.Abs(float64(c) - float64(k)*share(weights, i)); off > stray {
				t.Fatalf("after %d picks instance %d is %.1f picks off", k, i, off)
			}
		}
	}
	for i, g := range gaps {
		if len(g) > 3 {
			t.Errorf("instance %d has %d different gaps: %v", i, len(g), g)
		}
	}
}

func TestWeightedRoundRobinTakesTurnsAtEqualWeights(t *testing.T) {
	p := fixed(lb.WeightedRoundRobin()).Picker(weighted(4, 4, 4, 4, 4), nil)
	first := p.Pick(t.Context(), 0)
	for k := 1; k < 20; k++ {
		if got := p.Pick(t.Context(), 0); got != (first+k)%5 {
			t.Fatalf("pick %d is %d after a first of %d", k, got, first)
		}
	}
}

// The heaviest skew that weights can express: everybody is found, and nobody by a
// pick that is out of range.
func TestWeightedStrategiesReachALightInstance(t *testing.T) {
	for name, s := range map[string]lb.Strategy{
		"round robin": lb.WeightedRoundRobin(), "least request": lb.LeastRequest(),
	} {
		weights := make([]int, 500)
		for i := range weights {
			weights[i] = 1
		}
		weights[250] = 1000
		got := picks(fixed(s).Picker(weighted(weights...), nil), len(weights), 60_000)
		for i, c := range got {
			if c == 0 {
				t.Errorf("%s: instance %d was never picked", name, i)
			}
		}
	}
	weights := []int{1, math.MaxInt, 1, math.MaxInt, 1}
	if got := picks(fixed(lb.WeightedRoundRobin()).Picker(weighted(weights...), nil), 5, 1000); got[1]+got[3] != 1000 {
		t.Errorf("at 1 to 2⁶³: %v", got)
	}
}

func TestAMillionWeightedInstances(t *testing.T) {
	if testing.Short() || ejectUnderRace {
		t.Skip("a million instances are seconds under the race detector, and have one goroutine")
	}
	weights := make([]int, 1_000_000)
	for i := range weights {
		weights[i] = 1 + i%2
	}
	nodes := weighted(weights...)
	const n = 3_000_000
	far := 0
	for i, c := range picks(fixed(lb.WeightedRoundRobin()).Picker(nodes, nil), len(nodes), n) {
		if want := float64(2 * weights[i]); math.Abs(float64(c)-want) > 2 {
			far++
		}
	}
	if far > 0 {
		t.Errorf("%d of a million are more than two picks from their share", far)
	}
	heavy := 0
	for i, c := range picks(fixed(lb.LeastRequest()).Picker(nodes, nil), len(nodes), 300_000) {
		heavy += c * (weights[i] - 1)
	}
	if heavy < 198_000 || heavy > 202_000 {
		t.Errorf("the heavy half got %d of 200,000 picks", heavy)
	}
}

func TestWeightedRoundRobinKeepsItsPlace(t *testing.T) {
	nodes := weighted(1, 2, 4, 8)
	a := fixed(lb.WeightedRoundRobin()).Picker(nodes, nil)
	b := fixed(lb.WeightedRoundRobin()).Picker(nodes, a) // the same set again
	counts := make([]int, len(nodes))
	for k := range 1500 { // both advance the same sequence
		p := a
		if k%3 > 0 {
			p = b
		}
		counts[p.Pick(t.Context(), 0)]++
	}
	for i, want := range []int{100, 200, 400, 800} {
		if counts[i] < want-3 || counts[i] > want+3 {
			t.Errorf("instance %d got %d of %d", i, counts[i], want)
		}
	}
}

// Each turn is taken once, in a small set and in a large one.
func TestWeightedRoundRobinConcurrentSafe(t *testing.T) {
	for _, n := range []int{3, 999} {
		weights := make([]int, n)
		for i := range weights {
			weights[i] = []int{1, 3, 6}[i%3]
		}
		const workers, each = 8, 25_000
		want := picks(fixed(lb.WeightedRoundRobin()).Picker(weighted(weights...), nil), n, workers*each)
		p := fixed(lb.WeightedRoundRobin()).Picker(weighted(weights...), nil)
		got := make([]int, n)
		var mu sync.Mutex
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				counts := picks(p, n, each)
				mu.Lock()
				defer mu.Unlock()
				for i, c := range counts {
					got[i] += c
				}
			})
		}
		all.Wait()
		if !slices.Equal(got, want) {
			t.Errorf("%d instances: the picks of %d goroutines are not those of one", n, workers)
		}
	}
}

// Whatever the weights, each instance has an interval, and the buckets know whose a
// number is.
func TestWeightedIntervals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		weights := make([]float64, 2+r.IntN(1000))
		skew := 43 * r.Float64() // up to 2⁶² to 1
		for i := range weights {
			weights[i] = math.Round(math.Exp(skew * r.Float64()))
		}
		ends, owners := lb.Intervals(weights)
		for i := range ends[1:] {
			if ends[i+1] <= ends[i] {
				t.Fatalf("instance %d of %d has no interval", i+1, len(ends))
			}
		}
		for k := range 1000 {
			x := r.Uint64()
			if k < len(ends) { // at an end, or beside it
				x, _ = bits.Div64(ends[k]>>32, ends[k]<<32, uint64(max(64, 2*len(ends))))
				x += uint64(r.IntN(3)) - 1
			}
			if quick, plain := owners(x); quick != plain {
				t.Fatalf("%d of %d instances has %#x, not %d", quick, len(ends), x, plain)
			}
		}
	}
}

func TestWeightedPicksAllocateNothing(t *testing.T) {
	for _, s := range []lb.Strategy{lb.WeightedRoundRobin(), lb.LeastRequest()} {
		p := s.Picker(weighted(1, 2, 3), nil)
		ctx := t.Context()
		if n := testing.AllocsPerRun(100, func() { p.Pick(ctx, 0) }); n != 0 {
			t.Errorf("%T: %v allocations", p, n)
		}
	}
}
