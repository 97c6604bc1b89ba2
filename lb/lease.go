package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
)

// Lease is one pick: a client to make one call with, counted as in flight until
// Done. It is a small value; copies are the same lease. The zero Lease is not
// valid.
type Lease[C any] struct {
	state *state[C]
	index int
	start time.Duration // on the observer's clock, if there is one
}

// Client returns the instance's client. It must not be used after Done.
func (l Lease[C]) Client() C { return l.state.set.Client(l.index) }

// Instance returns the instance that was picked.
func (l Lease[C]) Instance() *sd.Instance { return l.state.nodes[l.index].Instance() }

// Done ends the lease and tells the strategy what became of the call. ctx and err
// are those of the call; see endpoint.Fault for what the context is needed for.
// Done must be called exactly once per pick; it panics if no call is in flight.
func (l Lease[C]) Done(ctx context.Context, err error) {
	if l.state.observer != nil {
		l.observed(ctx, err)
		return
	}
	l.state.nodes[l.index].Release()
}

// observed is apart from Done, which then has nothing to save across a call.
func (l *Lease[C]) observed(ctx context.Context, err error) {
	l.state.nodes[l.index].Release()
	o := l.state.observer
	out := Outcome{Start: l.start, End: time.Since(o.epoch)}
	if err != nil {
		out.Result, out.RetryAfter = result(ctx, err), endpoint.RetryAfter(err)
	}
	o.Observe(l.index, out)
}
