package lb

import (
	"context"
	"math"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/sd"
)

// hashPicker is the picker of a ConsistentHash.
type hashPicker struct {
	nodes    []*sd.Node
	weights  []float64
	total    float64 // of the weights
	owners   []int32 // by slot
	bound    float64
	fallback Picker
	inFlight atomic.Int64 // on all nodes, as last summed up
}

const (
	fewNodes  = 32 // so few are summed up whenever it matters
	sumShare  = 16 // of more, so many in each pick, in the mean
	mostJumps = 32 // more finds nothing but in a set where nearly all are full
)

func slotOf(h uint64, slots int) int {
	hi, _ := bits.Mul64(h, uint64(slots))
	return int(hi)
}

func (p *hashPicker) Pick(ctx context.Context, now time.Duration) int {
	c := call.From(ctx)
	key := c.Key()
	if key == "" {
		return p.fallback.Pick(ctx, now)
	}
	h := hashOf(key)
	// An idle one has room under any bound.
	if i := int(p.owners[slotOf(h, len(p.owners))]); c.Avoids() == 0 &&
		(p.nodes[i].InFlight() == 0 || math.IsInf(p.bound, 1)) {
		return i
	}
	return p.walk(c, h)
}

// walk returns the first node on the key's way that has room and is not avoided.
func (p *hashPicker) walk(c *call.Call, h uint64) int {
	home, start := -1, int(p.owners[slotOf(h, len(p.owners))])
	room := p.room(false)
	for range mostJumps {
		i := int(p.owners[slotOf(h, len(p.owners))])
		if c.Avoids() == 0 || !c.Avoided(p.nodes[i].Instance().ID) {
			if p.fits(i, room) {
				return i
			}
			if home < 0 {
				home = i
			}
		}
		h = mixed(h + golden)
	}
	room = p.room(true)
	for k := range p.nodes {
		i := (start + k) % len(p.nodes)
		if c.Avoids() > 0 && c.Avoided(p.nodes[i].Instance().ID) {
			continue
		}
		if p.fits(i, room) {
			return i
		}
		if home < 0 {
			home = i
		}
	}
	if home < 0 {
		return start
	}
	return home
}

// fits reports whether node i has room for one more call.
func (p *hashPicker) fits(i int, room float64) bool {
	return float64(p.nodes[i].InFlight()) < room*p.weights[i]
}

// room returns how many calls in flight a node may have per weight.
func (p *hashPicker) room(exact bool) float64 {
	if n := len(p.nodes); exact || n <= fewNodes || rand.IntN(n) < sumShare {
		sum := int64(0)
		for _, node := range p.nodes {
			sum += node.InFlight()
		}
		if n <= fewNodes {
			return p.bound * float64(sum+1) / p.total // nobody reads what would be stored
		}
		p.inFlight.Store(sum)
	}
	return p.bound * float64(p.inFlight.Load()+1) / p.total
}
