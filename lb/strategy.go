package lb

import (
	"context"
	"strings"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
)

// Strategy is a way to choose among instances. It holds settings and no state, so
// one value serves any number of balancers, and it is safe for concurrent use. One that
// draws at random should be [Seedable], so that it can be simulated.
type Strategy interface {
	// Picker returns a picker for the nodes, which are at least one and sorted by
	// instance ID; the slice is immutable. prev is the picker that it takes the
	// place of in the same balancer, nil at first: what prev knows of nodes that
	// stay should be carried over, see [Carry]. prev may still be in use.
	Picker(nodes []*sd.Node, prev Picker) Picker
}

// Picker chooses among the nodes it was made for. It is safe for concurrent use,
// and should neither lock nor allocate.
type Picker interface {
	// Pick returns the index of the node for this call. now is zero unless the
	// picker is an [Observer]. What the call says of itself is in call.From(ctx).
	// Pick need not care whether a retry has tried the node already: the
	// balancer does.
	Pick(ctx context.Context, now time.Duration) int
}

// Observer is a Picker that wants to learn what became of its picks. For an
// Observer, and for no other, the balancer reads the clock: once at the start of
// a call and once at its end.
type Observer interface {
	Picker
	// Observe is called once for each pick that led to a call, after the node was
	// released, with the index that Pick returned; and before that, while the call
	// is in flight, if its answer began and lasts, see Lease.Answered. It may be
	// called after the picker was replaced, so what it writes to must be shared
	// with the next. Of an Open call, which may outlast many pickers, the last of
	// them is told, with the node's index there, if the node is there.
	Observe(i int, o Outcome)
}

// Starter is an Observer that also wants to learn when a call begins: a Pick need
// not lead to one.
type Starter interface {
	Observer
	// Start is called once for each call, after its node was acquired, with the
	// index that Pick returned and the Start that its Outcome will have. A
	// picker round another one passes Start on like Observe; one that does not
	// leaves the inner one without, so a Starter must do without.
	Start(i int, now time.Duration)
}

// Leaver is a Picker that wants to learn when all of its nodes have left and none is in
// their place: the set is empty, or the part of it that a [Zone] had it for. Then there
// is no picker to make, and the next one has this one for its prev, or none.
type Leaver interface {
	Picker
	// Leave may be called more than once. It must not use the balancer, whose lock is
	// held. Calls that are in flight are observed still. A picker round another one
	// passes Leave on.
	Leave()
}

// Outcome is what became of one call to one instance. The times are on the
// monotonic clock of the balancer, whose zero is in the past.
type Outcome struct {
	Start, End time.Duration
	Result     Result
	// Open says that the call lasted as long as its two ends wanted, see Balancer.Open
	// and Lease.Answered: its latency tells nothing. Of one of Balancer.Open no Starter
	// was told of its beginning.
	Open bool
	// Answering says that the answer began at End and goes on, see Lease.Answered. The
	// Result is Served so far; that of the call comes with its end, in another outcome
	// with the same Start, which is Open.
	Answering bool
	// RetryAfter is how long the instance asked to be left alone, or zero.
	RetryAfter time.Duration
}

// Latency returns how long the call took. For a Canceled call it is only a lower
// bound of what it would have taken.
func (o Outcome) Latency() time.Duration { return o.End - o.Start }

// Result says what the outcome of a call tells of the instance.
type Result uint8

const (
	// Served: the instance answered. Errors that the request deserves count too.
	Served Result = iota
	// Faulted: the error is the instance's fault, see endpoint.Fault. A fast
	// fault must not make an instance look fast.
	Faulted
	// Rejected: the instance refused to process the call, to protect itself.
	Rejected
	// Canceled: the caller gave up, so that only a lower bound of the latency
	// is known.
	Canceled
	// Refused: this process refused, behind the balancer, and the instance was
	// not asked. It tells nothing.
	Refused
)

func result(ctx context.Context, err error) Result {
	switch {
	case err == nil:
		return Served
	case endpoint.IsLocal(err):
		return Refused
	case ctx.Err() == context.Canceled:
		return Canceled
	case endpoint.Fault(ctx, err):
		return Faulted
	}
	switch endpoint.CodeOf(err) {
	case endpoint.ResourceExhausted:
		return Rejected
	case endpoint.Canceled:
		return Canceled
	}
	return Served
}

// Carry returns what a picker knows of each of its nodes: for a node that prev
// had, what prev knew of it, for a new one what fresh returns. Both slices of
// nodes are sorted by instance ID, and state is parallel to prev. It takes one
// pass and one slice.
func Carry[S any](nodes, prev []*sd.Node, state []S, fresh func(*sd.Node) S) []S {
	out := make([]S, len(nodes))
	p := 0
	for i, n := range nodes {
		for p < len(prev) && prev[p] != n && strings.Compare(prev[p].Instance().ID, n.Instance().ID) < 0 {
			p++
		}
		if p < len(prev) && prev[p] == n {
			out[i] = state[p]
			p++
		} else {
			out[i] = fresh(n)
		}
	}
	return out
}
