package lb

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// RoundRobin returns the strategy that picks the instances in turn. Each balancer
// starts at a random instance, so that many fresh clients do not meet at one; a
// change of the set keeps the position.
//
// A set of 64 or more has several turns, spread over it, each through all instances: one
// for every 32 instances, to the next lower power of two, and 16 at most. Processors
// that pick at the same time as a rule take different ones, so that none waits for
// another. As long as the set stays, the numbers of picks of two instances then differ by
// as many as there are turns at most, where those of a smaller set differ by 1; and by 1
// more each time that a turn, of 32 bits, comes round.
func RoundRobin() Strategy { return roundRobin{} }

type roundRobin struct{ chance }

func (r roundRobin) Picker(nodes []*sd.Node, prev Picker) Picker {
	var (
		all   = newCycle(len(nodes))
		first *turn
		lanes *lanes // nil if prev has none
	)
	switch prev := prev.(type) {
	case *roundRobinPicker:
		first = prev.turn
	case *lanePicker:
		first, lanes = prev.turns[0], prev.lanes
	default:
		first = new(turn)
		first.Store(uint32(r.below(len(nodes))))
	}
	count := laneCount(len(nodes))
	if count == 1 {
		return &roundRobinPicker{all, first}
	}
	if lanes == nil || len(lanes.turns) != count {
		lanes = newLanes(count, first, lanes, all)
	}
	return &lanePicker{all, lanes, r.chance}
}

type roundRobinPicker struct {
	cycle
	turn *turn
}

// turn has cache lines to itself: every pick of every core writes it. It comes round
// after 4,294,967,296 picks, and there the order has a break.
type turn struct {
	_ [128]byte
	atomic.Uint32
	_ [124]byte
}

func (p *roundRobinPicker) Pick(context.Context, time.Duration) int {
	return p.index(p.turn.Add(1))
}

// cycle finds remainders by multiplication, in half the time of a division: k mod n
// is the whole part of n times the fraction of k/n, which is taken to 64 bits
// (Lemire, Kaser and Kurz, "Faster Remainder by Direct Computation", 2019; it is
// exact for numbers of 32 bits).
type cycle struct{ n, inverse uint64 }

func newCycle(n int) cycle {
	return cycle{uint64(uint32(n)), math.MaxUint64/uint64(uint32(n)) + 1}
}

// index returns k mod n.
func (c cycle) index(k uint32) int {
	hi, _ := bits.Mul64(c.inverse*uint64(k), c.n)
	return int(hi)
}
