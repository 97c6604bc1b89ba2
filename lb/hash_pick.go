package lb

import (
	"context"
	"math"
	"math/bits"
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
	absent   *absent      // nil if nobody is
	inFlight atomic.Int64 // on all nodes, as last summed up
	chance
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
		return p.unkeyed(ctx, now)
	}
	h := hashOf(key)
	// An idle one has room under any bound.
	if i := int(p.owners[slotOf(h, len(p.owners))]); c.Avoids() == 0 && !p.absent.has(i) &&
		(p.nodes[i].InFlight() == 0 || math.IsInf(p.bound, 1)) {
		return i
	}
	return p.walk(c, h)
}

// walk returns the first node on the key's way that has room and is neither avoided
// nor absent; of those without room, the first that is neither; and if the call
// avoids all, one that is not absent.
func (p *hashPicker) walk(c *call.Call, h uint64) int {
	home, avoided, start := -1, -1, int(p.owners[slotOf(h, len(p.owners))])
	try := func(i int, room float64) bool {
		switch {
		case p.absent.has(i):
		case c.Avoids() > 0 && c.Avoided(p.nodes[i].Instance().ID):
			avoided = i
		case p.fits(i, room):
			home = i
			return true
		case home < 0:
			home = i
		}
		return false
	}
	room := p.room(false)
	for range mostJumps {
		if try(int(p.owners[slotOf(h, len(p.owners))]), room) {
			return home
		}
		h = mixed(h + golden)
	}
	room = p.room(true)
	for k := range p.nodes {
		if try((start+k)%len(p.nodes), room) {
			return home
		}
	}
	if home < 0 {
		return avoided
	}
	return home
}

// fits reports whether node i has room for one more call.
func (p *hashPicker) fits(i int, room float64) bool {
	return float64(p.nodes[i].InFlight()) < room*p.weights[i]
}

// room returns how many calls in flight a node may have per weight.
func (p *hashPicker) room(exact bool) float64 {
	if n := len(p.nodes); exact || n <= fewNodes || p.below(n) < sumShare {
		sum := int64(0)
		for i, node := range p.nodes {
			if !p.absent.has(i) {
				sum += node.InFlight()
			}
		}
		if n <= fewNodes {
			return p.bound * float64(sum+1) / p.total // nobody reads what would be stored
		}
		p.inFlight.Store(sum)
	}
	return p.bound * float64(p.inFlight.Load()+1) / p.total
}
