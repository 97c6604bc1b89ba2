package lb

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Eject returns a strategy that leaves out instances which fail more than others
// and lets inner choose among the rest: outlier detection as Envoy and gRPC do it
// (gRFC A50), but with a probe at the end. It panics if inner is nil, has an Eject in it
// or an option is out of range. It must not go round an Eject in a strategy of one's own
// either: that would forget what it knows at each ejection.
//
// An instance is ejected after a run of faults, see [EjectFaults], or if at the
// end of an interval its success rate is below
//
//	mean - factor · stdev
//
// of the rates of all instances with enough calls in it, see [EjectSuccessRate],
// and at least 5 points below the mean: else one fault in a hundred would make an
// outlier among the flawless. Only [Faulted] calls count against an instance.
// [Served] and [Rejected] ones count for it, the others not at all; nor do calls
// that began before it was ejected or returned. One that lasts counts at its
// end, but as a probe when its answer begins, if that is told by [Lease.Answered].
//
// The n-th ejection in a row lasts base · n, at most a cap, of which half is random
// ("equal jitter", Exponential Backoff and Jitter, AWS Architecture Blog, 2015). n
// falls by one for each interval that the instance is in. Then one call is sent to
// the instance as a probe. If it is served the instance returns, if it faults it is
// ejected again, and if it tells nothing there is another probe a second later. While
// one is in flight there is another one each base, and whichever ends first decides. A
// probe of [Balancer.Open] that has lasted for a base counts as served. With [SlowStart]
// inside or outside, one that returns gets its calls by and by.
//
// At most a share of the set is out at a time, see [MaxEjected], and never all of
// it; when the set shrinks, those that have the least time left return early. When
// too few instances are well, see [PanicThreshold], all are used.
//
// inner sees the set without those that are out. What it knows of them is kept,
// and what it knows of the others stays, as when the set changes: its picker for
// the whole set is the prev of every other. A pick adds two atomic loads. Whatever
// ejects or returns an instance makes inner's new picker, in the call that caused it.
func Eject(inner Strategy, opts ...EjectOption) Strategy { return newEjector(inner, opts) }

// Picker makes the picker for a set.
func (e *ejector) Picker(nodes []*sd.Node, prev Picker) Picker {
	p, fresh := &ejectPicker{nodes: nodes}, newTallies(len(nodes)).state
	last, ok := prev.(*ejectPicker)
	if !ok || last.ward.ejector != e {
		last = &ejectPicker{whole: new(ejectView)}
	}
	p.whole = viewOf(e.inner.Picker(nodes, last.whole.picker))
	if last.ward.takes(last) {
		p.ward = last.ward
		p.states = Carry(nodes, last.nodes, last.states, fresh)
	} else {
		p.ward = newWard(e)
		p.states = Carry(nodes, nil, nil, fresh)
	}
	p.tallies = make([]*tally, len(nodes))
	for i, s := range p.states {
		p.tallies[i] = s.tally
	}
	p.ward.enter(p)
	return p
}

// Leave makes an empty set the current one, unless the picker has a successor.
func (p *ejectPicker) Leave() {
	if !p.ward.takes(p) {
		return
	}
	p.ward.enter(new(ejectPicker))
	if l, ok := p.whole.picker.(Leaver); ok {
		l.Leave()
	}
}

// ejectPicker is the picker of one set.
type ejectPicker struct {
	nodes   []*sd.Node
	tallies []*tally      // parallel to nodes
	states  []*ejectState // the same
	ward    *ward
	whole   *ejectView // of all nodes
	view    atomic.Pointer[ejectView]
	due     atomic.Int64 // when a probe may be due
}

// ejectView is inner's picker for the nodes that are in. It is immutable.
type ejectView struct {
	picker   Picker
	observer Observer // picker, if it is one
	starter  Starter  // and the same
	outer    []int32  // the node's index by that of picker; nil if it is the same
	inner    []int32  // and the other way round, less than 0 for who is out
}

const never = math.MaxInt64

func (p *ejectPicker) Pick(ctx context.Context, now time.Duration) int {
	if int64(now) >= p.due.Load() {
		if i := p.ward.probe(ctx, p, now); i >= 0 {
			return i
		}
	}
	v := p.view.Load()
	i := v.picker.Pick(ctx, now)
	if v.outer != nil {
		return int(v.outer[i])
	}
	return i
}

func (p *ejectPicker) Observe(i int, o Outcome) {
	if v, k := p.place(i); v.observer != nil {
		v.observer.Observe(k, o)
	}
	w := p.ward
	if o.Answering && !p.states[i].out.Load() {
		return // to be counted when it has ended; as a probe it has told enough
	}
	if t := p.tallies[i]; o.Result == Served && t.Load()&marked == 0 {
		t.Add(success)
	} else {
		w.ended(p.states[i], o)
	}
	if int64(o.End) >= w.sweepAt.Load() {
		w.sweep(o.End)
	}
}

// Start passes on that a call begins.
func (p *ejectPicker) Start(i int, now time.Duration) {
	if v, k := p.place(i); v.starter != nil {
		v.starter.Start(k, now)
	}
}

// place returns where inner has the node, and under which index: in the picker for
// the whole set if it is out.
func (p *ejectPicker) place(i int) (*ejectView, int) {
	v := p.view.Load()
	if v.inner == nil {
		return v, i
	}
	if k := v.inner[i]; k >= 0 {
		return v, int(k)
	}
	return p.whole, i
}
