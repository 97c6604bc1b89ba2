package grpckit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// connected is a strategy round the user's that leaves out instances to which there is
// no connection. For the inner one an instance that cannot be reached has left the set,
// and is new when it is back: so that each strategy does without it what it does without
// anybody. One whose connection was lost a moment ago, most of which are back at once,
// stays in the set, with all that is known of it: see [connectedPicker.detour].
type connected struct {
	inner  lb.Strategy
	roster *roster
}

func (c *connected) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker {
	p := &connectedPicker{connected: c, nodes: nodes, links: make([]*link, len(nodes))}
	for i, n := range nodes {
		p.links[i] = c.roster.link(n.Instance())
	}
	var last *connectedView
	switch before := prev.(type) {
	case *connectedPicker:
		last = before.retire()
	case *connectedObserver:
		last = before.retire()
	}
	v := p.look(last)
	p.view.Store(v)
	if v.observer != nil {
		return &connectedObserver{p}
	}
	return p
}

// connectedPicker is the picker of one set.
type connectedPicker struct {
	*connected
	nodes []*sd.Node
	links []*link // parallel to the nodes; nil for one that is being closed
	view  atomic.Pointer[connectedView]

	mu      sync.Mutex
	retired bool // there is a picker of another set, which has this one's last view
}

// connectedView is inner's picker for the instances that can be reached. It is
// immutable.
type connectedView struct {
	changes  uint64 // of the roster, when it was made
	picker   lb.Picker
	observer lb.Observer // picker, if it is one
	starter  lb.Starter  // and the same
	outer    []int       // the node's index by that of picker; nil if it is the same
	inner    []int       // and the other way round, less than 0 for who is left out
}

func (p *connectedPicker) retire() *connectedView {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = true
	return p.view.Load()
}

// renew returns the view of this moment, or v while somebody else makes that: a strategy
// may take its time.
func (p *connectedPicker) renew(v *connectedView) *connectedView {
	if !p.mu.TryLock() {
		return v
	}
	defer p.mu.Unlock()
	if !p.retired {
		v = p.look(p.view.Load())
		p.view.Store(v)
	}
	return v
}

// look makes the view that comes after last. If nobody can be reached it is of all.
func (p *connectedPicker) look(last *connectedView) *connectedView {
	v := &connectedView{changes: p.roster.changes.Load(), inner: make([]int, len(p.nodes))}
	var in []*sd.Node
	for i, l := range p.links {
		v.inner[i] = -1
		if l != nil && !l.away.Load() {
			v.inner[i] = len(in)
			v.outer = append(v.outer, i)
			in = append(in, p.nodes[i])
		}
	}
	if len(in) == 0 || len(in) == len(p.nodes) {
		in, v.inner, v.outer = p.nodes, nil, nil
	}
	var before lb.Picker
	if last != nil {
		if last == p.view.Load() && slices.Equal(last.outer, v.outer) {
			again := *last // the connections of others changed
			again.changes = v.changes
			return &again
		}
		before = last.picker
	}
	v.picker = p.connected.inner.Picker(in, before)
	v.observer, _ = v.picker.(lb.Observer)
	v.starter, _ = v.picker.(lb.Starter)
	return v
}

func (p *connectedPicker) usable(i int) bool { return p.links[i] != nil && p.links[i].connected.Load() }

func (p *connectedPicker) Pick(ctx context.Context, now time.Duration) int {
	v := p.view.Load()
	if v.changes != p.roster.changes.Load() {
		v = p.renew(v)
	}
	i := v.pick(ctx, now)
	if !p.usable(i) {
		i = p.detour(ctx, now, v, i)
	}
	return i
}

func (v *connectedView) pick(ctx context.Context, now time.Duration) int {
	i := v.picker.Pick(ctx, now)
	if v.outer != nil {
		return v.outer[i]
	}
	return i
}

// place returns inner's index of a node, or less than 0.
func (v *connectedView) place(i int) int {
	if v.inner != nil {
		return v.inner[i]
	}
	return i
}

// connectedObserver is one whose inner picker observes.
type connectedObserver struct{ *connectedPicker }

// Observe passes on what became of a call. If the instance is left out by now, there is
// nobody to tell.
func (p *connectedObserver) Observe(i int, o lb.Outcome) {
	if v := p.view.Load(); v.observer != nil && v.place(i) >= 0 {
		v.observer.Observe(v.place(i), o)
	}
}

// Start passes on that a call begins.
func (p *connectedObserver) Start(i int, now time.Duration) {
	if v := p.view.Load(); v.starter != nil && v.place(i) >= 0 {
		v.starter.Start(v.place(i), now)
	}
}
