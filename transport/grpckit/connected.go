package grpckit

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// connected is a strategy round the user's that passes over instances whose connection
// is lost. The inner one keeps them in its set, and so what it knows of them: most
// connections are back at once.
type connected struct {
	inner  lb.Strategy
	roster *roster
}

func (c *connected) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker {
	switch before := prev.(type) {
	case *connectedPicker:
		prev = before.inner
	case *connectedObserver:
		prev = before.inner
	}
	p := &connectedPicker{inner: c.inner.Picker(nodes, prev), nodes: nodes, links: make([]*link, len(nodes))}
	for i, n := range nodes {
		p.links[i] = c.roster.link(n.Instance())
	}
	if o, ok := p.inner.(lb.Observer); ok {
		starter, _ := o.(lb.Starter)
		return &connectedObserver{p, o, starter}
	}
	return p
}

// connectedPicker is the picker of one set.
type connectedPicker struct {
	inner lb.Picker
	nodes []*sd.Node
	links []*link // parallel to the nodes; nil for one that is being closed
}

func (p *connectedPicker) usable(i int) bool { return p.links[i] != nil && p.links[i].connected.Load() }

func (p *connectedPicker) Pick(ctx context.Context, now time.Duration) int {
	i := p.inner.Pick(ctx, now)
	if !p.usable(i) {
		i = p.detour(ctx, now, i)
	}
	return i
}

// Ejected passes on who is out, for retries to pass over them.
func (p *connectedPicker) Ejected(now time.Duration) []lb.Ejection {
	if e, ok := p.inner.(lb.Ejecter); ok {
		return e.Ejected(now)
	}
	return nil
}

// Leave passes on that all have left.
func (p *connectedPicker) Leave() {
	if l, ok := p.inner.(lb.Leaver); ok {
		l.Leave()
	}
}

// connectedObserver is one whose inner picker observes.
type connectedObserver struct {
	*connectedPicker
	observer lb.Observer
	starter  lb.Starter // nil if inner's is none
}

func (p *connectedObserver) Observe(i int, o lb.Outcome) { p.observer.Observe(i, o) }

func (p *connectedObserver) Start(i int, now time.Duration) {
	if p.starter != nil {
		p.starter.Start(i, now)
	}
}
