package lb

import (
	"math"

	"github.com/dowelkit/dowel/sd"
)

// slotOwners returns the index of the node that owns each slot.
//
// To compare n scores for each slot would take n·slots steps. But the least of
// scores that are exponential with rate wᵢ is the first event of Poisson processes
// with those rates: so each node throws balls, at intervals that are exponential
// with rate wᵢ, at slots that are uniform, and whose ball hits a slot first owns it.
// All slots are hit after about slots·ln(slots) balls, whoever throws them, and where
// a node's balls fall depends on its ID and weight alone.
func slotOwners(nodes []*sd.Node, weights []float64, slots int) []int32 {
	owners, first := make([]int32, slots), make([]float64, slots)
	for s := range first {
		first[s] = math.Inf(1)
	}
	throwers := make([]thrower, len(nodes))
	total := 0.0
	for i, n := range nodes {
		throwers[i] = newThrower(n.Instance().ID, weights[i], slots)
		total += weights[i]
	}
	// By the first deadline it is likely that all slots are hit. Balls beyond
	// a deadline cannot change an owner if they are.
	left, deadline := slots, 0.0
	perBall := float64(slots) / total
	for wait := math.Log(float64(slots)) + 2; left > 0; wait = 2 {
		deadline += wait * perBall
		for i := range throwers {
			for t := &throwers[i]; t.at < deadline; t.next() {
				if math.IsInf(first[t.slot], 1) {
					left--
				}
				if t.at < first[t.slot] {
					first[t.slot], owners[t.slot] = t.at, int32(i)
				}
			}
		}
	}
	return owners
}

// thrower is the balls of one node: the next one, and what the rest follows from.
type thrower struct {
	at     float64
	slot   int
	state  uint64
	weight float64
	slots  int
}

func newThrower(id string, weight float64, slots int) thrower {
	t := thrower{state: hashOf(id), weight: weight, slots: slots}
	t.next()
	return t
}

func (t *thrower) next() {
	t.state += golden
	r := mixed(t.state)
	t.slot = slotOf(r, t.slots)
	// 53 bits make a number between 0 and 1, neither included.
	u := (float64(mixed(r)>>11) + 0.5) / (1 << 53)
	t.at -= math.Log(u) / t.weight
}

// hashOf is FNV-1a of 64 bits, mixed because its high bits are poor. It must stay
// what it is: processes of different versions must agree.
func hashOf(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return mixed(h)
}

// mixed is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014).
func mixed(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
