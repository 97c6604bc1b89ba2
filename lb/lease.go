package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Lease is one pick: a client to make one call with, counted as in flight until
// Done. It is a small value; copies are the same lease. The zero Lease is not
// valid.
type Lease[C any] struct {
	// Four words and no more, or the compiler keeps a lease in memory. The node
	// is nodes[index]: it is here so that Done need not look for it.
	state *state[C]
	node  *sd.Node
	index int
	start time.Duration // on the observer's clock, if there is one; its complement if it is open
}

// Client returns the instance's client. It must not be used after Done.
func (l Lease[C]) Client() C {
	if l.start < 0 {
		return l.state.open.client
	}
	return l.state.set.Client(l.index)
}

// Instance returns the instance that was picked.
func (l Lease[C]) Instance() *sd.Instance { return l.node.Instance() }

// Answered is for a call of Pick whose answer has begun and goes on for as long as its
// two ends want, as that of an event stream does: what it took until now is the call's
// latency, and from now on it is as one of [Balancer.Open]. It returns the lease that is
// to be Done in place of l. It must come before Done, and of a lease of Open it changes
// nothing.
func (l Lease[C]) Answered() Lease[C] {
	if l.start < 0 {
		return l
	}
	if o := l.state.observer; o != nil {
		o.Observe(l.index, Outcome{Start: l.start, End: time.Since(o.epoch), Answering: true})
	}
	return l.last()
}

// Done ends the lease and tells the strategy what became of the call. ctx and err
// are those of the call; see endpoint.Fault for what the context is needed for.
// Done must be called exactly once per pick; it panics if no call is in flight.
func (l Lease[C]) Done(ctx context.Context, err error) {
	if l.start < 0 {
		l.state.open.done(ctx, err, l.node, l.start)
		return
	}
	if o := l.state.observer; o != nil {
		o.ended(ctx, err, l.node, l.index, l.start)
		return
	}
	l.node.Release()
}
