package lb

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// LeastRequest returns the strategy that draws two different instances at random
// and picks the one with less load: the power of two choices (Mitzenmacher, "The
// Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001). The
// load of an instance is
//
//	(calls in flight from this process + 1) / weight
//
// and of two equal ones the first drawn wins. Where weights differ, instances are
// drawn by weight, without which the heavy ones would not be drawn often enough
// (Gardner, Abdul Jaleel, Wickeham and Doroudi, "Scalable Load Balancing in the
// Presence of Heterogeneous Servers", Performance Evaluation 145, 2021). A first
// drawn that is idle is picked at once, so that idle instances share by
// weight and none is starved.
//
// An instance that fails fast, or whose breaker refuses, is idle most of the time
// and draws calls: put [Eject] round the strategy, and [Retry] round the endpoint.
func LeastRequest() Strategy { return leastRequest{} }

type leastRequest struct{ chance }

func (l leastRequest) Picker(nodes []*sd.Node, _ Picker) Picker {
	if weights := weightsOf(nodes); weights != nil {
		return &weightedLeastRequestPicker{nodes, weights, newShares(weights), l.chance}
	}
	return &leastRequestPicker{nodes, l.chance}
}

type leastRequestPicker struct {
	nodes []*sd.Node
	chance
}

func (p *leastRequestPicker) Pick(context.Context, time.Duration) int {
	if len(p.nodes) == 1 {
		return 0
	}
	i, j := two(len(p.nodes), p.or(rand.Uint64()))
	// An idle node cannot be beaten, so that the other core's line of the second
	// need not be fetched.
	if load := p.nodes[i].InFlight(); load > 0 && p.nodes[j].InFlight() < load {
		return j
	}
	return i
}

// second finishes a pick that began with a draw, see draw: it returns i or the
// node that the lower half of r draws, and has counted a call on that.
func (p *leastRequestPicker) second(i int, load int64, r uint64) int {
	lo, _ := bits.Mul64(r<<32, uint64(len(p.nodes)-1))
	j := int(lo)
	if j >= i {
		j++
	}
	if other := p.nodes[j]; other.InFlight() < load-1 && other.Acquire() {
		p.nodes[i].Undo()
		return j
	}
	return i
}

// weightedLeastRequestPicker has at least two nodes: one alone has equal weights.
type weightedLeastRequestPicker struct {
	nodes   []*sd.Node
	weights []float64
	shares  *shares
	chance
}

func (p *weightedLeastRequestPicker) Pick(context.Context, time.Duration) int {
	i, j := p.shares.two(p.or(rand.Uint64()))
	load := p.nodes[i].InFlight()
	if load > 0 && float64(p.nodes[j].InFlight()+1)*p.weights[i] < float64(load+1)*p.weights[j] {
		return j
	}
	return i
}

// two returns two different random numbers below n, which is at least 2, from one
// draw, r: each half of the bits is scaled by multiplication (Lemire, "Fast Random
// Integer Generation in an Interval", 2019; the bias is below n/2³²).
func two(n int, r uint64) (i, j int) {
	hi, _ := bits.Mul64(r&0xffffffff00000000, uint64(n))
	lo, _ := bits.Mul64(r<<32, uint64(n-1))
	i, j = int(hi), int(lo)
	return i, j + int(uint(i-j-1)>>(bits.UintSize-1)) // plus one if j >= i, without a jump
}
