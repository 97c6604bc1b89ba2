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
func RoundRobin() Strategy { return roundRobin{} }

type roundRobin struct{ chance }

func (r roundRobin) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &roundRobinPicker{cycle: newCycle(len(nodes))}
	if before, ok := prev.(*roundRobinPicker); ok {
		p.turn = before.turn
		return p
	}
	p.turn = new(turn)
	p.turn.Store(uint32(r.below(len(nodes))))
	return p
}

type roundRobinPicker struct {
	cycle
	turn *turn
}

// turn has cache lines to itself: every pick of every core writes it.
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
