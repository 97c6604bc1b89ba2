package lb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// open is what an open lease needs. It is not the state that it was picked from: calls
// that last would keep one for each change of the set that they live through, each with
// all of the set and of the picker.
type open[C any] struct {
	client   C
	balancer *Balancer[C] // nil if the picker was no Observer: when it began is not known
}

// last makes of the lease one that is open.
func (l Lease[C]) last() Lease[C] {
	l.node.Last(true)
	o := &open[C]{client: l.Client()}
	if l.state.observer != nil {
		o.balancer = l.state.balancer
	}
	l.start, l.state = ^l.start, &state[C]{open: o}
	return l
}

// done is Done of an open lease. It is the present picker that is told, if it knows
// the node still.
func (o *open[C]) done(ctx context.Context, err error, node *sd.Node, start time.Duration) {
	node.Last(false)
	if o.balancer != nil {
		s := o.balancer.state.Load()
		if i := s.index(node); i >= 0 && s.observer != nil {
			s.observer.ended(ctx, err, node, i, start)
			return
		}
	}
	node.Release()
}

// index returns where in the state the node is, or -1.
func (s *state[C]) index(node *sd.Node) int {
	i, _ := slices.BinarySearchFunc(s.nodes, node.Instance().ID, func(n *sd.Node, id string) int {
		return strings.Compare(n.Instance().ID, id)
	})
	if i < len(s.nodes) && s.nodes[i] == node {
		return i
	}
	return -1
}
