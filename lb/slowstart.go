package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// SlowStart returns a strategy by which an instance that joins gets, at first, only
// a part of the calls that inner would give it, so that it can fill caches and
// compile its code. The part is, after Envoy's slow start mode,
//
//	min(1, max(floor, (age/window)^(1/aggression)))
//
// where the age begins with the first call that inner would give it. It panics if
// inner is nil or an option is out of range.
//
// What newcomers are spared, the others bear. So that they can, of weights wᵢ they are
// spared together no more than
//
//	Σ wᵢ · (1 - partᵢ) ≤ max(burden · W, (1 - floor) · w)
//
// where W is the weight of the others and w that of the heaviest newcomer: a tenth of
// the others' own calls, see [SlowStartBurden], or what one newcomer alone is spared.
// As long as it would be more, the window is shortened for all newcomers, and if too
// many joined at once for that, the floor is raised. So a rolling restart, in which
// most of the set is young most of the time, slows down only those that came last. One
// that inner has not picked within a window, as [Zone] may leave one elsewhere alone, is
// spared nothing and counts from when it is.
//
// An instance that returns from an ejection is a newcomer again, as in Envoy one
// that becomes healthy, whether [Eject] goes round SlowStart or SlowStart round
// Eject: its window begins with the first call after its probe.
//
// The part is taken by thinning, so that it works round any strategy: a call that
// a newcomer is not to have goes where inner picks next. If inner insists, as
// one with affinity does, it goes to a random instance that is neither new nor
// ejected. A pick never fails for it, and costs one draw and at most three more of
// inner's. Those of a balancer's first set are not new, nor is anybody if all are:
// there would be nobody to spare them.
func SlowStart(inner Strategy, opts ...SlowStartOption) Strategy { return newSlowStarter(inner, opts) }

// Picker makes the picker for a set.
func (s *slowStarter) Picker(nodes []*sd.Node, prev Picker) Picker {
	p := &slowStartPicker{slowStarter: s, nodes: nodes, pace: newPace(s.floor)}
	if last, ok := prev.(slowStarting); ok {
		was := last.state()
		p.ramps = Carry(nodes, was.nodes, was.ramps, newRamp)
		p.picker = s.inner.Picker(nodes, was.picker)
	} else {
		p.ramps = settledRamps(len(nodes))
		p.picker = s.inner.Picker(nodes, nil)
	}
	if e, ok := p.picker.(ejecting); ok {
		e.attend(p)
	}
	return p.entered()
}

// without is for an inner that leaves nodes out by itself.
func (p *slowStartPicker) without(out []bool) Picker {
	rest := excluding(p.picker, out)
	if rest == nil {
		return nil
	}
	q := *p
	q.picker, q.pace = rest, newPace(p.floor)
	return q.entered()
}

// entered returns the picker, once it is made, as the kind that it needs to be.
func (p *slowStartPicker) entered() Picker {
	p.enter()
	observer, _ := p.picker.(Observer)
	if observer == nil && !p.pace.ramping.Load() {
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
	picker Picker
	nodes  []*sd.Node
	ramps  []*ramp // parallel to nodes
	pace   *pace   // its own: what others know of tells nothing of its newcomers
}

// slowStartObserver is one that needs the clock, for itself or for inner's.
type slowStartObserver struct {
	*slowStartPicker
	observer Observer // inner's, or nil
	starter  Starter  // and the same
}

func (p *slowStartPicker) state() *slowStartPicker { return p }

// enter looks whether somebody is new, which nobody is if all are.
func (p *slowStartPicker) enter() {
	p.pace.ramping.Store(false) // first: one may return from an ejection now
	young := 0
	for _, r := range p.ramps {
		young += count(r.young())
	}
	switch young {
	case 0:
	case len(p.ramps):
		for _, r := range p.ramps {
			r.since.Store(settled)
		}
	default:
		p.pace.renew()
	}
}

func (p *slowStartPicker) Pick(ctx context.Context, now time.Duration) int {
	i := p.picker.Pick(ctx, now)
	if p.pace.ramping.Load() {
		return p.thin(ctx, now, i)
	}
	return i
}

// thin decides by one draw for all newcomers that this call meets.
func (p *slowStartPicker) thin(ctx context.Context, now time.Duration, i int) int {
	if int64(now) >= p.pace.next.Load() {
		p.measure(now)
	}
	coin := 0.0
	for tries := 0; p.ramps[i].young(); tries++ {
		if tries == 0 {
			coin = p.slowStarter.part()
		}
		switch {
		case p.part(p.ramps[i], now) > coin:
			return i
		case tries == 3:
			return p.other(i)
		}
		i = p.picker.Pick(ctx, now)
	}
	return i
}

// other returns a random node that is neither new nor out, or i if there is none.
func (p *slowStartPicker) other(i int) int {
	n, at := len(p.ramps), 0
	for range 8 { // most nodes are such
		if at = p.below(n); p.ramps[at].since.Load() == settled {
			return at
		}
	}
	for k := range n {
		if k = (at + k) % n; p.ramps[k].since.Load() == settled {
			return k
		}
	}
	return i
}

// probes passes on whether one that was picked is to be probed.
func (p *slowStartPicker) probes(i int) bool {
	e, ok := p.picker.(prober)
	return ok && e.probes(i)
}

// Leave passes on that all have left.
func (p *slowStartPicker) Leave() {
	if l, ok := p.picker.(Leaver); ok {
		l.Leave()
	}
}

// Ejected passes on who is out, if [Eject] is further inside.
func (p *slowStartPicker) Ejected(now time.Duration) []Ejection { return ejectedOf(p.picker, now) }

func (p *slowStartPicker) list(now time.Duration) []Ejection { return listOf(p.picker, now) }

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
