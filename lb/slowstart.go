package lb

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// SlowStart returns a strategy by which an instance that joins gets, at first, only
// a part of the calls that inner would give it, so that it can fill caches and
// compile its code. The part is, after Envoy's slow start mode,
//
//	max(floor, (age/window)^(1/aggression))
//
// where the age begins with the first call that inner would give it. It panics if
// inner is nil or an option is out of range.
//
// The part is taken by thinning, so that it works round any strategy: a call that
// a newcomer is not to have goes where inner picks next. If inner insists, as
// one with affinity does, it goes to a random instance that is not new. A pick
// never fails for it, and costs one draw and at most three more of inner's. Those
// of a balancer's first set are not new, nor is anybody if all are: there would be
// nobody to spare them.
func SlowStart(inner Strategy, opts ...SlowStartOption) Strategy { return newSlowStarter(inner, opts) }

// Picker makes the picker for a set.
func (s *slowStarter) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &slowStartPicker{slowStarter: s, nodes: nodes}
	last, ok := prev.(slowStarting)
	if !ok {
		p.ramps = make([]*ramp, len(nodes))
		p.picker = s.inner.Picker(nodes, nil)
	} else {
		was := last.state()
		p.ramps = Carry(nodes, was.nodes, was.ramps, newRamp)
		p.picker = s.inner.Picker(nodes, was.picker)
	}
	p.enter()
	observer, _ := p.picker.(Observer)
	if !p.ramping && observer == nil {
		return p // and the balancer need not read the clock
	}
	starter, _ := p.picker.(Starter)
	return &slowStartObserver{p, observer, starter}
}

// slowStarting is either picker.
type slowStarting interface{ state() *slowStartPicker }

// slowStartPicker is the picker of one set.
type slowStartPicker struct {
	*slowStarter
	picker  Picker
	nodes   []*sd.Node
	ramps   []*ramp // parallel to nodes; nil for those that were never new
	settled []int32 // the indices of those that were not new when it was made
	ramping bool    // some were new
}

// slowStartObserver is one that needs the clock, for itself or for inner's.
type slowStartObserver struct {
	*slowStartPicker
	observer Observer // inner's, or nil
	starter  Starter  // and the same
}

// ramp is what is known of a node that joined.
type ramp struct {
	since atomic.Int64 // when it was first picked, or unpicked
	over  atomic.Bool
}

const unpicked = -1

func newRamp(*sd.Node) *ramp {
	r := new(ramp)
	r.since.Store(unpicked)
	return r
}

func (p *slowStartPicker) state() *slowStartPicker { return p }

// enter notes who is not new, which is everybody if all are.
func (p *slowStartPicker) enter() {
	p.settled = make([]int32, 0, len(p.nodes))
	for i, r := range p.ramps {
		if r == nil || r.over.Load() {
			p.ramps[i] = nil
			p.settled = append(p.settled, int32(i))
		}
	}
	if len(p.settled) == 0 {
		clear(p.ramps)
		for i := range p.nodes {
			p.settled = append(p.settled, int32(i))
		}
	}
	p.ramping = len(p.settled) < len(p.nodes)
}

func (p *slowStartPicker) Pick(ctx context.Context, now time.Duration) int {
	i := p.picker.Pick(ctx, now)
	if !p.ramping || p.ramps[i] == nil || p.ramps[i].over.Load() {
		return i
	}
	return p.thin(ctx, now, i)
}

// thin decides by one draw for all newcomers that this call meets.
func (p *slowStartPicker) thin(ctx context.Context, now time.Duration, i int) int {
	coin := rand.Float64()
	for range 3 {
		if r := p.ramps[i]; r == nil || p.part(r, now) > coin {
			return i
		}
		i = p.picker.Pick(ctx, now)
	}
	if r := p.ramps[i]; r == nil || p.part(r, now) > coin {
		return i
	}
	return int(p.settled[rand.IntN(len(p.settled))])
}

// part returns which part of its calls a newcomer gets.
func (p *slowStartPicker) part(r *ramp, now time.Duration) float64 {
	since := r.since.Load()
	if since == unpicked {
		r.since.CompareAndSwap(unpicked, int64(now))
		since = int64(now)
	}
	age := float64(int64(now)-since) / float64(p.window)
	if age >= 1 {
		if !r.over.Load() {
			r.over.Store(true)
		}
		return 1
	}
	if p.exponent != 1 {
		age = math.Pow(max(age, 0), p.exponent)
	}
	return max(age, p.floor)
}

// Ejected passes on who is out, if [Eject] is further inside.
func (p *slowStartPicker) Ejected(now time.Duration) []Ejection {
	if e, ok := p.picker.(Ejecter); ok {
		return e.Ejected(now)
	}
	return nil
}

func (p *slowStartObserver) Observe(i int, o Outcome) {
	if p.observer != nil {
		p.observer.Observe(i, o)
	}
}

func (p *slowStartObserver) Start(i int, now time.Duration) {
	if p.starter != nil {
		p.starter.Start(i, now)
	}
}
