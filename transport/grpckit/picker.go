package grpckit

import (
	"context"
	"errors"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// picker is the balancer as what grpc-go asks for each call.
type picker connBalancer

// Pick is for grpc-go; see [balancer.Picker].
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	o, ctx := outboundOf(info.Ctx), info.Ctx
	var c *call.Call // that is observed
	if o == nil || !o.unheard {
		if c = call.From(ctx); c.Observed() {
			// Of what is picked here, most is no attempt while nobody is connected.
			ctx = call.With(ctx, call.Unobserved())
		}
	}
	lease, err := p.lease(ctx, o)
	switch {
	case err != nil:
		(*connBalancer)(p).wait()
	case !lease.Client().connected.Load():
		lease, err = p.other(ctx, o, lease)
	}
	if err != nil {
		return balancer.PickResult{}, p.nobody(o)
	}
	if !p.picked && c.Observed() {
		in := lease.Instance()
		c.Asked(&in.ID, &in.Addr)
	}
	if o != nil {
		o.reach.goes(lease.Instance())
	}
	mark(&lease.Client().picked)
	return balancer.PickResult{SubConn: lease.Client().conn, Done: newAttempt(info.Ctx, o, lease).done}, nil
}

// lease picks. A stream lasts as long as its two ends want.
func (p *picker) lease(ctx context.Context, o *outbound) (lb.Lease[*link], error) {
	if o != nil && o.stream {
		return p.balancer.Open(ctx)
	}
	return p.balancer.Pick(ctx)
}

// other takes an instance that is connected in place of one that is not. A retry takes one
// that it avoids only if there is no other, and is better off then than if it waits.
func (p *picker) other(ctx context.Context, o *outbound, lease lb.Lease[*link]) (lb.Lease[*link], error) {
	lease.Done(ctx, errUnsent)
	if c := call.From(ctx); c.Avoids() > 0 {
		ctx = call.With(ctx, call.Attempt(c.Attempt(), c.AppendAvoided(p.lost())))
	}
	lease, err := p.lease(ctx, o)
	if err != nil || lease.Client().connected.Load() {
		return lease, err
	}
	lease.Done(ctx, errUnsent)
	return lease, errUnconnected
}

// lost returns the IDs of those that are not connected.
func (p *picker) lost() (ids []string) {
	set := p.endpointer.Set()
	for i, n := range set.Nodes() {
		if !set.Client(i).connected.Load() {
			ids = append(ids, n.Instance().ID)
		}
	}
	return ids
}

// errUnconnected is for grpc-go's ears alone: the caller is told what the roster knows.
var errUnconnected = errors.New("grpckit: no instance is connected")

// nobody makes the call wait for the next update while there is hope.
func (p *picker) nobody(o *outbound) error {
	if o != nil {
		o.reach.missed()
	}
	switch p.roster.state() {
	case connectivity.Ready: // somebody is connected, and about to be published
		(*connBalancer)(p).wait()
		return balancer.ErrNoSubConnAvailable
	case connectivity.Connecting:
		return balancer.ErrNoSubConnAvailable
	}
	err := p.roster.none()
	if o != nil {
		o.unpicked.Store(&err)
	}
	// Not the error itself: grpc-go would end the call by the status of a registry
	// that it finds in it, even one that is to wait until there is a connection.
	return errors.New(err.Error())
}
