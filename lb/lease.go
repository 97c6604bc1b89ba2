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
	start time.Duration // on the observer's clock, if there is one; its complement if it is of Open
}

// Client returns the instance's client. It must not be used after Done.
func (l Lease[C]) Client() C { return l.state.set.Client(l.index) }

// Instance returns the instance that was picked.
func (l Lease[C]) Instance() *sd.Instance { return l.node.Instance() }

// Done ends the lease and tells the strategy what became of the call. ctx and err
// are those of the call; see endpoint.Fault for what the context is needed for.
// Done must be called exactly once per pick; it panics if no call is in flight.
func (l Lease[C]) Done(ctx context.Context, err error) {
	if l.start < 0 {
		l.node.Last(false)
	}
	if o := l.state.observer; o != nil {
		o.ended(ctx, err, l.node, l.index, l.start)
		return
	}
	l.node.Release()
}
