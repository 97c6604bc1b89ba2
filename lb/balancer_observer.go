package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
)

// observer is a picker that observes, and the clock it is told.
type observer struct {
	Observer
	starter Starter     // nil if the picker is none
	ewma    *ewmaPicker // asked and told by no interface if it is the picker
	epoch   time.Time
}

// begin picks and acquires a node at the time that it returns. The node is nil if
// the one picked has left.
func (o *observer) begin(ctx context.Context, nodes []*sd.Node) (node *sd.Node, i int, now time.Duration) {
	if e := o.ewma; e != nil {
		i, j := e.ahead()
		now = time.Since(o.epoch)
		node, i = e.enter(i, j, now)
		return node, i, now
	}
	now = time.Since(o.epoch)
	i = o.Pick(ctx, now)
	if node = nodes[i]; !node.Acquire() {
		return nil, 0, 0
	}
	if o.starter != nil {
		o.tell(node, i, now)
	}
	return node, i, now
}

// tell tells a Starter of a call on a node that was acquired. If it panics the call does
// not come, and must not be in flight for ever.
func (o *observer) tell(node *sd.Node, i int, now time.Duration) {
	told := false
	defer func() {
		if !told {
			node.Undo()
		}
	}()
	o.starter.Start(i, now)
	told = true
}

// ended is Done for a picker that wants to know. It takes the fields of the lease:
// whose address is taken is kept in memory.
func (o *observer) ended(ctx context.Context, err error, node *sd.Node, i int, start time.Duration) {
	// The clock first: it is not read before a locked instruction has ended, but one
	// runs while what was read is made a time.
	end := time.Since(o.epoch)
	node.Release()
	if err == nil && o.ewma != nil && start >= 0 {
		o.ewma.served(i, start, end)
		return
	}
	out := Outcome{Start: start, End: end}
	if start < 0 {
		out.Start, out.Open = ^start, true
	}
	if err != nil {
		out.Result, out.RetryAfter = result(ctx, err), endpoint.RetryAfter(err)
	}
	o.Observe(i, out)
}
