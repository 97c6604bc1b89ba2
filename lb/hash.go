package lb

import (
	"fmt"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// ConsistentHash returns the strategy that sends calls of one key, see call.Key,
// to one instance. A call without a key goes where [LeastRequest] sends it.
//
// A key is hashed to one of a fixed number of slots, and each slot belongs to
// one instance by rendezvous hashing with weights (Thaler and Ravishankar, "Using
// Name-Based Mappings to Increase Hit Rates", IEEE/ACM ToN 6(1), 1998): instance i
// of weight wᵢ has the score -ln(uᵢ)/wᵢ in a slot, uᵢ being a hash of the instance's
// ID and the slot, and the least score owns it. So an instance owns slots in
// proportion to its weight; one that joins takes only what it comes to own; one that
// leaves, leaves only its own keys; and every process that knows the same IDs
// and weights sends a key to the same instance, now and after a restart.
//
// No instance has more calls in flight from this process than
//
//	⌈c · (calls in flight on all + 1) · wᵢ/Σw⌉
//
// with c = 1.25 by default (Mirrokni, Thorup and Zadimoghaddam, "Consistent
// Hashing with Bounded Loads", 2016), see [HashBound]. A call for one that is
// full, or that the call avoids, hashes its key again until it finds one that has
// room: other keys of the same instance go elsewhere, so that no neighbour is filled
// next (Chen, Coleman and Shrivastava, "Revisiting Consistent Hashing with Bounded
// Loads", AAAI 2021). For more than 32 instances the calls in flight are summed up
// now and then: by one in n/16 of the picks that find their instance busy.
//
// A change of the set costs about 10 ms, the same for any number of instances, in
// the call that notices it first; the others go on by the old set. An ejection costs
// none of that, whether [Eject] goes round ConsistentHash directly or round [SlowStart]
// or [Zone] of it: the keys of who is out are hashed again, until it returns.
// ConsistentHash panics if an option is out of range.
func ConsistentHash(opts ...HashOption) Strategy {
	h := &hashing{slots: 1 << 15, bound: 1.25}
	configure("ConsistentHash", h, opts, nil)
	return h
}

// HashOption changes a [ConsistentHash].
type HashOption func(*hashing) error

// HashBound sets c, which is greater than 1: how much more than its share of the
// calls in flight an instance may have. Less spreads a hot key sooner, more keeps
// keys together. math.Inf(1) is no bound. The default is 1.25.
func HashBound(c float64) HashOption {
	return func(h *hashing) error {
		h.bound = c
		if !(c > 1) {
			return fmt.Errorf("the bound must be greater than 1, not %v", c)
		}
		return nil
	}
}

// HashSlots sets the number of slots, from 1 to 2²⁴; all processes must agree on
// it. With s slots for each instance their shares differ by about 1/√s. The
// default is 32,768; sets of more than a few hundred want more. What a change of the
// set costs grows in proportion.
func HashSlots(n int) HashOption {
	return func(h *hashing) error {
		h.slots = n
		if n < 1 || n > 1<<24 {
			return fmt.Errorf("the slots must be from 1 to 2²⁴, not %d", n)
		}
		return nil
	}
}

type hashing struct {
	slots int
	bound float64
	chance
}

func (h *hashing) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &hashPicker{nodes: nodes, bound: h.bound, chance: h.chance}
	p.fallback = leastRequest{h.chance}.Picker(nodes, nil)
	p.weights = make([]float64, len(nodes))
	for i, n := range nodes {
		p.weights[i] = weightOf(n)
		p.total += p.weights[i]
	}
	before, ok := prev.(*hashPicker)
	if ok && len(before.owners) == h.slots && slices.Equal(before.nodes, nodes) && slices.Equal(before.weights, p.weights) {
		p.owners = before.owners // a change of zone or meta
	} else {
		p.owners = slotOwners(nodes, p.weights, h.slots)
	}
	if ok {
		p.inFlight.Store(before.inFlight.Load())
	}
	return p
}
