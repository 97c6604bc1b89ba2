package lb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// LeastLoaded returns the strategy that draws two different instances at random
// and picks the one with the lower load
//
//	(calls in flight / weight + 1) · max(utilization, 0.05)
//
// where the utilization is what the instance itself reported last, to loads, and
// the mean of the weights is 1. So a server that others keep busy, too, gets less
// from here: the power of two choices over what both sides know (Netflix Technology
// Blog, "Rethinking Netflix's Edge Load Balancing", 2018). If one of the two has
// made no report, or none within the expiry, only the calls in flight by weight are
// compared, so that nobody is shunned for ever for what it said once; a report from before
// the balancer knew the instance is none. Of two equal ones the first drawn wins; where
// weights differ, instances are drawn by weight, as [LeastRequest] does.
//
// A report that came with a fault or a rejection does not lower a load, and an
// instance that rejects a call has a utilization of at least 1. It panics if loads is
// nil or an option is out of range.
func LeastLoaded(loads *Loads, opts ...LoadedOption) Strategy {
	s := &leastLoaded{loads: loads, expiry: 10 * time.Second}
	var faults []error
	if loads == nil {
		faults = append(faults, errors.New("the loads are nil"))
	}
	configure("LeastLoaded", s, opts, faults)
	return s
}

// LoadedOption changes what [LeastLoaded] does.
type LoadedOption func(*leastLoaded) error

// LoadExpiry sets how long a report counts. It must be positive; the default is
// 10 s.
func LoadExpiry(d time.Duration) LoadedOption {
	return func(s *leastLoaded) error {
		s.expiry = d
		if d <= 0 {
			return fmt.Errorf("the expiry must be positive, not %v", d)
		}
		return nil
	}
}

type leastLoaded struct {
	loads  *Loads
	expiry time.Duration
	chance
}

// Picker makes the picker for a set.
func (s *leastLoaded) Picker(nodes []*sd.Node, prev Picker) Picker {
	last, ok := prev.(*leastLoadedPicker)
	if !ok {
		last = new(leastLoadedPicker)
	}
	p := &leastLoadedPicker{expiry: s.expiry, nodes: nodes, chance: s.chance}
	p.states = Carry(nodes, last.nodes, last.states, s.fresh)
	if weights := weightsOf(nodes); weights != nil {
		p.shares = newShares(weights)
		total := 0.0
		for _, w := range weights {
			total += w
		}
		for i := range weights {
			weights[i] *= float64(len(weights)) / total
		}
		p.weights = weights
	}
	return p
}

type leastLoadedPicker struct {
	expiry  time.Duration
	nodes   []*sd.Node
	states  []*loadState // parallel to nodes
	weights []float64    // of mean 1; nil if all are the same
	shares  *shares      // of the weights
	chance
}

// loadState is what one balancer knows of one node's load. It fills a cache line.
type loadState struct {
	load        *Load
	taken       atomic.Uint64 // the last report that was
	utilization atomic.Uint64 // a float64
	at          atomic.Int64  // when it was known, or unreported
	_           [32]byte
}

const unreported = -1

func (s *leastLoaded) fresh(n *sd.Node) *loadState {
	state := &loadState{load: s.loads.Of(n.Instance().ID)}
	state.at.Store(unreported)
	state.taken.Store(state.load.last.Load()) // of who knows when
	return state
}

func (p *leastLoadedPicker) Pick(_ context.Context, now time.Duration) int {
	if len(p.nodes) == 1 {
		return 0
	}
	i, j := p.draw()
	a, b := float64(p.nodes[i].InFlight()), float64(p.nodes[j].InFlight())
	if p.weights != nil {
		a, b = a/p.weights[i], b/p.weights[j]
	}
	if u, ok := p.states[i].fresh(now, p.expiry); ok {
		if v, ok := p.states[j].fresh(now, p.expiry); ok {
			a, b = (a+1)*max(u, 0.05), (b+1)*max(v, 0.05)
		}
	}
	if b < a {
		return j
	}
	return i
}

func (p *leastLoadedPicker) draw() (i, j int) {
	if p.shares == nil {
		return two(len(p.nodes), p.or(rand.Uint64()))
	}
	return p.shares.two(p.or(rand.Uint64()))
}

func (p *leastLoadedPicker) Observe(i int, o Outcome) {
	s := p.states[i]
	report, utilization := s.load.last.Load(), 0.0
	switch {
	case o.Result == Refused:
		return
	case report != s.taken.Load():
		s.taken.Store(report)
		utilization = float64(math.Float32frombits(uint32(report)))
	case o.Result != Rejected:
		return // no news
	}
	if o.Result == Faulted || o.Result == Rejected {
		known, ok := s.fresh(o.End, p.expiry) // 0 if not
		if utilization = max(utilization, known); o.Result == Rejected {
			utilization = max(utilization, 1)
		} else if !ok {
			return
		}
	}
	s.utilization.Store(math.Float64bits(utilization))
	s.at.Store(int64(o.End))
}

// fresh returns the utilization if it is known and not too old.
func (s *loadState) fresh(now, expiry time.Duration) (float64, bool) {
	at := s.at.Load()
	if at == unreported || now-time.Duration(at) >= expiry {
		return 0, false
	}
	return math.Float64frombits(s.utilization.Load()), true
}
