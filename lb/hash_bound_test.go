package lb_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dowelkit/dowel/lb"
)

// One hot key, and many: nobody ever has more than the bound.
func TestConsistentHashBoundsTheLoad(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, keys := range []int{1, 3, 10_000} {
		weights := []int{1, 1, 1, 2, 3, 1, 1, 2}
		nodes := weighted(weights...)
		p := fixed(lb.ConsistentHash()).Picker(nodes, nil)
		var running []int
		for range 20_000 {
			if len(running) > 0 && random.IntN(400) < len(running) {
				k := random.IntN(len(running))
				nodes[running[k]].Release()
				running = slices.Delete(running, k, k+1)
				continue
			}
			i := p.Pick(tenThousandKeys[random.IntN(keys)], 0)
			nodes[i].Acquire()
			running = append(running, i)
			if most := math.Ceil(1.25 * float64(len(running)) * share(weights, i)); float64(nodes[i].InFlight()) > most {
				t.Fatalf("%d keys, %d in flight: instance %d has %d of at most %.0f", keys, len(running), i, nodes[i].InFlight(), most)
			}
		}
	}
}

// With many instances the sum is not exact, but the bound holds but for a little.
func TestConsistentHashBoundsTheLoadOfManyInstances(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	nodes := weighted(make([]int, 400)...)
	p := fixed(lb.ConsistentHash()).Picker(nodes, nil)
	for range 8000 {
		nodes[p.Pick(tenThousandKeys[random.IntN(20)], 0)].Acquire()
	}
	for i, n := range nodes {
		if n.InFlight() > 27 { // 1.25 · 20 are 25
			t.Errorf("instance %d has %d in flight", i, n.InFlight())
		}
	}
}

func TestConsistentHashWithoutABound(t *testing.T) {
	nodes := weighted(1, 1, 1)
	p := lb.ConsistentHash(lb.HashBound(math.Inf(1))).Picker(nodes, nil)
	home := p.Pick(keyed("hot"), 0)
	for range 1000 {
		nodes[home].Acquire()
	}
	if got := p.Pick(keyed("hot"), 0); got != home {
		t.Errorf("the key moved from %d to %d", home, got)
	}
}
