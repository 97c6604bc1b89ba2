package lb

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// golden is 2⁶⁴ divided by the golden ratio, made odd.
const golden = 0x9e3779b97f4a7c15

// WeightedRoundRobin returns the strategy that picks each instance as often as
// its weight says, spread as evenly as can be: instance i of weight wᵢ has the
// interval of length wᵢ/Σw of a circle, and pick k takes the instance at the
// fractional part of k/φ, where φ is the golden ratio. That is the additive
// recurrence of lowest discrepancy (Kuipers and Niederreiter, "Uniform
// Distribution of Sequences", 1974, ch. 2): after N picks an instance is a few
// picks, of order log N, away from its share. By the three-distance theorem (Sós,
// 1958) only three different gaps lie between two picks of the same instance.
//
// A pick is one atomic addition and a look into one table, seldom with a search: its
// cost does not depend on the weights, and hardly on the number of instances. While
// all weights are equal, the instances are picked in turn. Each balancer starts at a
// random place, and a change of the set keeps it. The table is made anew then, in the
// call that notices the change first: some 15 ns for each of 10,000 instances, and
// twice that for each of a million. The others go on by the old one.
func WeightedRoundRobin() Strategy { return weightedRoundRobin{} }

type weightedRoundRobin struct{ chance }

// wideTurn has cache lines to itself, see turn. It has 64 bits because
// the shares of a million instances need more than 32.
type wideTurn struct {
	_ [128]byte
	atomic.Uint64
	_ [120]byte
}

func (r weightedRoundRobin) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &weightedRoundRobinPicker{cycle: newCycle(len(nodes))}
	if before, ok := prev.(*weightedRoundRobinPicker); ok {
		p.turn = before.turn
	} else {
		p.turn = new(wideTurn)
		p.turn.Store(r.or(rand.Uint64()) >> 32)
	}
	if weights := weightsOf(nodes); weights != nil {
		p.shares = newShares(weights)
	}
	return p
}

type weightedRoundRobinPicker struct {
	turn   *wideTurn
	shares *shares // nil if all weights are equal
	cycle
}

// guessFrom is the number of instances from which the turn is guessed. In a large set,
// what a pick looks at is far from the processor, and one that waits for its turn
// before it looks costs half as much again. In a small set that gains little, and to
// read the turn before it is added to moves its cache line between processors twice.
const guessFrom = 512

func (p *weightedRoundRobinPicker) Pick(context.Context, time.Duration) int {
	switch {
	case p.shares == nil:
		return p.index(uint32(p.turn.Add(1)))
	case len(p.shares.ends) < guessFrom:
		return p.shares.at(p.turn.Add(1) * golden)
	}
	k := p.turn.Load() + 1
	i := p.shares.at(k * golden)
	if turn := p.turn.Add(1); turn != k { // another pick was first
		i = p.shares.at(turn * golden)
	}
	return i
}
