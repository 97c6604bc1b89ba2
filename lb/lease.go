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
	client   C
	node     *sd.Node
	observer *observer
	index    int
	start    time.Duration
}

// Client returns the instance's client. It must not be used after Done.
func (l Lease[C]) Client() C { return l.client }

// Instance returns the instance that was picked.
func (l Lease[C]) Instance() *sd.Instance { return l.node.Instance() }

// Done ends the lease and tells the strategy what became of the call. ctx and err
// are those of the call; see endpoint.Fault for what the context is needed for.
// Done must be called exactly once per pick.
func (l Lease[C]) Done(ctx context.Context, err error) {
	l.node.Release()
	if l.observer == nil {
		return
	}
	l.observer.Observe(l.index, Outcome{
		Start: l.start, End: time.Since(l.observer.epoch),
		Result: result(ctx, err), RetryAfter: endpoint.RetryAfter(err),
	})
}
