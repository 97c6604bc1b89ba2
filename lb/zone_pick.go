package lb

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Picker splits the nodes, and makes a picker for each part.
func (z *zone) Picker(nodes []*sd.Node, prev Picker) Picker {
	var before zonePicker
	switch b := prev.(type) {
	case *zonePicker:
		before = *b
	case *zoneObserver:
		before = *b.zonePicker
	}
	p := &zonePicker{zone: z, stay: z.keep(nodes), where: make([]int32, len(nodes))}
	for i, n := range nodes {
		if z.local != "" && n.Instance().Zone == z.local {
			p.where[i] = p.here.add(i, n)
		} else {
			p.where[i] = ^p.there.add(i, n)
		}
	}
	// The part that goes on comes first: a picker may have one successor that has all
	// that it knows.
	if before.here.picker != nil {
		p.here.choose(z.inner, &before.here, &before.there)
		p.there.choose(z.inner, &before.there, &before.here)
	} else {
		p.there.choose(z.inner, &before.there, &before.here)
		p.here.choose(z.inner, &before.here, &before.there)
	}
	p.here.left(&before.here)
	p.there.left(&before.there)
	return p.made()
}

// made returns the picker as the kind that it needs to be.
func (p *zonePicker) made() Picker {
	if p.here.observer != nil || p.there.observer != nil {
		return &zoneObserver{p}
	}
	return p
}

// zonePicker is the picker of a Zone whose inner pickers do not observe.
type zonePicker struct {
	*zone
	here, there zonePart
	stay        uint64  // the probability to, as a threshold for 64 random bits
	where       []int32 // a node's index in its part; in there, the complement of it
}

// zonePart is some of the nodes, and inner's picker for them, nil if none is in.
type zonePart struct {
	nodes    []*sd.Node
	outer    []int32 // parallel to nodes: the index in the whole set
	picker   Picker
	observer Observer // picker, if it is one
	starter  Starter  // picker, if it is one
	prober   prober   // picker, if it is one
	last     Ejecter  // if the part has become empty, what its last picker was, or nil
}

func (part *zonePart) add(i int, n *sd.Node) int32 {
	part.nodes, part.outer = append(part.nodes, n), append(part.outer, int32(i))
	return int32(len(part.nodes) - 1)
}

// choose makes the part's picker. A part that is new takes over what the other one
// knew of its nodes; from a picker that does not observe there is only a position
// to take over, which two parts must not share.
func (part *zonePart) choose(inner Strategy, before, other *zonePart) {
	if len(part.nodes) == 0 {
		return
	}
	prev := before.picker
	if prev == nil && other.observer != nil {
		prev, other.picker = other.picker, nil
	}
	part.picker = inner.Picker(part.nodes, prev)
	part.observer, _ = part.picker.(Observer)
	part.starter, _ = part.picker.(Starter)
	part.prober, _ = part.picker.(prober)
}

// left is for a part that has become empty, and whose picker the other one has not taken.
func (part *zonePart) left(before *zonePart) {
	if len(part.nodes) > 0 {
		return
	}
	if l, ok := before.picker.(Leaver); ok {
		l.Leave()
	}
	part.last, _ = before.picker.(Ejecter)
}

// Leave passes on that all have left.
func (p *zonePicker) Leave() {
	for _, part := range []*zonePart{&p.here, &p.there} {
		if l, ok := part.picker.(Leaver); ok {
			l.Leave()
		}
	}
}

// without is for inners that leave nodes out by themselves.
func (p *zonePicker) without(out []bool) Picker {
	q := *p
	if !q.here.exclude(out) || !q.there.exclude(out) {
		return nil
	}
	var in []*sd.Node
	for _, part := range []*zonePart{&p.here, &p.there} {
		for k, n := range part.nodes {
			if !out[part.outer[k]] {
				in = append(in, n)
			}
		}
	}
	q.stay = p.keep(in)
	return q.made()
}

// exclude leaves nodes out of the part, if it can. One of which all are out picks no
// longer, and still observes.
func (part *zonePart) exclude(out []bool) bool {
	gone, some, all := make([]bool, len(part.nodes)), false, true
	for k := range gone {
		gone[k] = out[part.outer[k]]
		some, all = some || gone[k], all && gone[k]
	}
	switch {
	case all:
		part.picker = nil
	case some:
		part.picker = excluding(part.picker, gone)
		part.observer, _ = part.picker.(Observer)
		part.starter, _ = part.picker.(Starter)
		return part.picker != nil
	}
	return true
}

func (part *zonePart) pick(ctx context.Context, now time.Duration) (i int, n *sd.Node) {
	k := part.picker.Pick(ctx, now)
	return int(part.outer[k]), part.nodes[k]
}

// Ejected returns who is out in either part, if [Eject] is further inside. The last picker
// of one that has become empty has nobody, and is asked so that it tells of who left.
func (p *zonePicker) Ejected(now time.Duration) []Ejection {
	for _, part := range []*zonePart{&p.here, &p.there} {
		if part.last != nil {
			part.last.Ejected(now)
		}
	}
	return p.gather(now, ejectedOf)
}

func (p *zonePicker) list(now time.Duration) []Ejection { return p.gather(now, listOf) }

func (p *zonePicker) gather(now time.Duration, of func(Picker, time.Duration) []Ejection) []Ejection {
	list := slices.Concat(of(p.here.picker, now), of(p.there.picker, now))
	slices.SortFunc(list, func(a, b Ejection) int { return strings.Compare(a.Instance.ID, b.Instance.ID) })
	return list
}

// ejected and attend pass on what goes on between [Eject] and [SlowStart].
func (p *zonePicker) ejected(n *sd.Node, out bool) {
	for _, part := range []*zonePart{&p.here, &p.there} {
		if a, ok := part.picker.(attendant); ok {
			a.ejected(n, out)
		}
	}
}

func (p *zonePicker) attend(a attendant) {
	for _, part := range []*zonePart{&p.here, &p.there} {
		if e, ok := part.picker.(ejecting); ok {
			e.attend(a)
		}
	}
}

// probes reports whether a pick of the part's node k is a probe of [Eject], which is not
// to be had again soon: whatever the loads are, it stands.
func (part *zonePart) probes(k int32) bool { return part.prober != nil && part.prober.probes(int(k)) }

func (p *zonePicker) probes(i int) bool {
	if k := p.where[i]; k < 0 {
		return p.there.probes(^k)
	}
	return p.here.probes(p.where[i])
}

func (p *zonePicker) Pick(ctx context.Context, now time.Duration) int {
	switch {
	case p.there.picker == nil:
		i, _ := p.here.pick(ctx, now)
		return i
	case p.here.picker == nil:
		i, _ := p.there.pick(ctx, now)
		return i
	case p.stay < math.MaxUint64 && p.or(rand.Uint64()) >= p.stay:
		i, _ := p.there.pick(ctx, now)
		return i
	}
	i, here := p.here.pick(ctx, now)
	load := here.InFlight()
	if load == 0 || p.here.probes(p.where[i]) || math.IsInf(p.bias, 1) {
		return i
	}
	j, there := p.there.pick(ctx, now)
	if p.there.probes(^p.where[j]) || float64(load+1)*weightOf(there) > p.bias*float64(there.InFlight()+1)*weightOf(here) {
		return j
	}
	return i
}

// zoneObserver is a zonePicker whose inner pickers observe.
type zoneObserver struct{ *zonePicker }

func (p *zoneObserver) part(i int) (*zonePart, int) {
	if k := p.where[i]; k < 0 {
		return &p.there, int(^k)
	}
	return &p.here, int(p.where[i])
}

func (p *zoneObserver) Observe(i int, o Outcome) {
	if part, k := p.part(i); part.observer != nil {
		part.observer.Observe(k, o)
	}
}

func (p *zoneObserver) Start(i int, now time.Duration) {
	if part, k := p.part(i); part.starter != nil {
		part.starter.Start(k, now)
	}
}
