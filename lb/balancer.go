package lb

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
)

// ErrNoInstance is the cause of the error that Pick returns when no instance is
// live. That error has code Unavailable and is marked NotProcessed and Local.
var ErrNoInstance = errors.New("lb: no instance is live")

// Balancer picks one of an Endpointer's live clients per call. It is safe for
// concurrent use and is made by [New]. It starts no goroutine and needs no Close:
// it notices at a pick that the set has changed. Several balancers may share one
// Endpointer; the counts of calls in flight are then shared too.
type Balancer[C any] struct {
	endpointer *sd.Endpointer[C]
	strategy   Strategy
	epoch      time.Time // the zero of the clock that observers see
	state      atomic.Pointer[state[C]]
	rebuild    sync.Mutex
}

// state is a set and the picker for it. It is immutable.
type state[C any] struct {
	set      *sd.Set[C]
	nodes    []*sd.Node
	picker   Picker
	observer *observer // nil if the picker is none
	draw     draw
	chance   chance
	balancer *Balancer[C]
	open     *open[C] // all that there is if it is that of an open lease
}

// New returns a balancer over the endpointer's live instances. It panics if one
// of the two is nil.
func New[C any](endpointer *sd.Endpointer[C], strategy Strategy) *Balancer[C] {
	var faults []error
	if endpointer == nil {
		faults = append(faults, errors.New("the endpointer is nil"))
	}
	if strategy == nil {
		faults = append(faults, errors.New("the strategy is nil"))
	}
	refuse("New", faults)
	b := &Balancer[C]{endpointer: endpointer, strategy: strategy, epoch: time.Now()}
	b.state.Store(new(state[C])) // of no set
	return b
}

// Endpointer returns the endpointer given to New. Its nodes know how many calls are in
// flight on each instance and how many it was picked for.
func (b *Balancer[C]) Endpointer() *sd.Endpointer[C] { return b.endpointer }

// Pick leases a live instance's client for one call. Whoever gets a lease must
// call its Done once. The error is of code Unavailable and wraps [ErrNoInstance]
// if there is no live instance.
//
// An instance that the call avoids, see call.Avoided, is picked only if there is
// no other.
func (b *Balancer[C]) Pick(ctx context.Context) (Lease[C], error) {
	// What most calls need, apart from the rest: it decides what a pick costs.
	if c := call.From(ctx); c != nil && special(c) {
		return b.pick(ctx, false)
	}
	s := b.state.Load()
	if s.set != b.endpointer.Set() {
		return b.pick(ctx, false)
	}
	switch {
	case s.draw.from > 0:
		r := rand.Uint64()
		hi, _ := bits.Mul64(r, s.draw.from)
		i := int(hi)
		node := s.nodes[i]
		if load := node.Enter(); load > s.draw.enough {
			i = s.draw.least.second(i, load, r)
			node = s.nodes[i]
		} else if load == 0 {
			break // it has left
		}
		return Lease[C]{state: s, node: node, index: i}, nil
	case s.draw.turn != nil:
		i := s.draw.turn.Pick(ctx, 0)
		if node := s.nodes[i]; node.Acquire() {
			return Lease[C]{state: s, node: node, index: i}, nil
		}
	case s.observer != nil:
		if node, i, now := s.observer.begin(ctx, s.nodes); node != nil {
			return Lease[C]{state: s, node: node, index: i, start: now}, nil
		}
	case len(s.nodes) > 0:
		i := s.picker.Pick(ctx, 0)
		if node := s.nodes[i]; node.Acquire() {
			return Lease[C]{state: s, node: node, index: i}, nil
		}
	}
	return b.pick(ctx, false)
}

// Open is Pick for a call that lasts as long as its two ends want, such as a stream. It
// is in flight as any other, but that it has not ended and how long it took speak
// neither for nor against the instance; its error does.
func (b *Balancer[C]) Open(ctx context.Context) (Lease[C], error) { return b.pick(ctx, true) }

// special reports whether a pick must look at the call.
func special(c *call.Call) bool { return c.Avoids() > 0 || c.Observed() }

// pick is Pick and Open for whatever call and state.
func (b *Balancer[C]) pick(ctx context.Context, open bool) (Lease[C], error) {
	c := call.From(ctx)
	for force := false; ; force = true {
		s := b.current(force)
		if len(s.nodes) == 0 {
			if s.set == b.endpointer.Set() {
				return Lease[C]{}, b.none()
			}
			continue // somebody joined
		}
		l := Lease[C]{state: s}
		if s.observer != nil {
			l.start = time.Since(s.observer.epoch)
		}
		l.index = s.picker.Pick(ctx, l.start)
		if c.Avoids() > 0 {
			l.index = s.avoid(ctx, c, l.index, l.start)
		}
		// A node refuses only once a set without it is published.
		if l.node = s.nodes[l.index]; l.node.Acquire() {
			if c.Observed() {
				in := l.node.Instance()
				c.Asked(&in.ID, &in.Addr)
			}
			switch {
			case open:
				l = l.last()
			case s.observer != nil && s.observer.starter != nil:
				s.observer.tell(l.node, l.index, l.start)
			}
			return l, nil
		}
	}
}

// current returns the state for the published set. While another goroutine makes
// it, the last one still serves, unless force says that it turned out to be stale.
func (b *Balancer[C]) current(force bool) *state[C] {
	s := b.state.Load()
	switch {
	case s.set == b.endpointer.Set():
		return s
	case s.set == nil || force:
		b.rebuild.Lock()
	case !b.rebuild.TryLock():
		return s
	}
	s = b.renew()
	ejectedOf(s.picker, time.Since(b.epoch)) // which tells OnEject of who left, see ward.enter
	return s
}

// renew makes the state for the published set. The caller has the lock, and no longer.
func (b *Balancer[C]) renew() *state[C] {
	defer b.rebuild.Unlock()
	set, s := b.endpointer.Set(), b.state.Load()
	if s.set == set {
		return s
	}
	next := &state[C]{set: set, nodes: set.Nodes(), chance: chanceOf(b.strategy), balancer: b}
	next.picker = s.picker // an empty set forgets nothing
	if len(next.nodes) > 0 {
		next.picker = b.strategy.Picker(next.nodes, s.picker)
		if o, ok := next.picker.(Observer); ok {
			starter, _ := o.(Starter)
			ewma, _ := next.picker.(*ewmaPicker)
			next.observer = &observer{o, starter, ewma, b.epoch}
		}
		next.draw = drawOf(next.picker)
	} else if l, ok := s.picker.(Leaver); ok {
		l.Leave()
	}
	b.state.Store(next)
	return next
}

// avoid returns first or, if the call avoids that, another node: by the strategy,
// if a few more picks find one, else the next in a random order, one that is ejected
// only if there is no other, else first.
func (s *state[C]) avoid(ctx context.Context, c *call.Call, first int, now time.Duration) int {
	i := first
	for tries := 0; c.Avoided(s.nodes[i].Instance().ID); tries++ {
		if tries == 4 {
			return s.another(c, first, now)
		}
		i = s.picker.Pick(ctx, now)
	}
	return i
}

// another is avoid for a strategy that insists.
func (s *state[C]) another(c *call.Call, first int, now time.Duration) int {
	out := ejectedOf(s.picker, now) // sorted by ID
	offset, last := s.chance.below(len(s.nodes)), first
	for k := range s.nodes {
		i := (offset + k) % len(s.nodes)
		id := s.nodes[i].Instance().ID
		if c.Avoided(id) {
			continue
		}
		ejected := func(e Ejection, id string) int { return strings.Compare(e.Instance.ID, id) }
		if _, out := slices.BinarySearchFunc(out, id, ejected); !out {
			return i
		}
		if last == first {
			last = i
		}
	}
	return last
}

// none tells the caller, and the operator, why there is nobody.
func (b *Balancer[C]) none() *endpoint.Error {
	status := b.endpointer.Status()
	cause := fmt.Errorf("%w (of %d known)", ErrNoInstance, status.Instances)
	return &endpoint.Error{
		Code: endpoint.Unavailable, NotProcessed: true, Local: true, Outgoing: true,
		Err: errors.Join(cause, status.WatchErr, status.DialErr),
	}
}
