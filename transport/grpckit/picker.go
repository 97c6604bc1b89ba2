package grpckit

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// picker is the balancer as what grpc-go asks for each call.
type picker connBalancer

// errUnsent is what an instance's call is booked as that never had a stream: whatever
// the reason, it tells nothing of the instance.
var errUnsent = &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, Outgoing: true}

// Pick is for grpc-go; see [balancer.Picker].
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	o := outboundOf(info.Ctx)
	if o != nil {
		o.tracked.Store(true)
	}
	lease, err := p.balancer.Pick(info.Ctx)
	switch {
	case err != nil:
		(*connBalancer)(p).wait()
	case !lease.Client().connected.Load():
		lease, err = p.other(info.Ctx, lease)
	}
	if err != nil {
		return balancer.PickResult{}, p.nobody(o)
	}
	if o != nil {
		o.instance.Store(lease.Instance())
		o.sent.Add(1)
	}
	return balancer.PickResult{
		SubConn: lease.Client().conn,
		Done: func(d balancer.DoneInfo) {
			if !d.BytesSent && o != nil {
				o.sent.Add(-1)
			}
			if load := lease.Client().load; load != nil {
				if utilization, ok := reported(d.Trailer); ok {
					load.Report(utilization)
				}
			}
			lease.Done(info.Ctx, outcome(d))
		},
	}, nil
}

// other takes any instance that is connected in place of one that is not: a retry that
// avoids all of them is better off than one that waits.
func (p *picker) other(ctx context.Context, lease lb.Lease[*link]) (lb.Lease[*link], error) {
	lease.Done(ctx, errUnsent)
	if c := call.From(ctx); c.Avoids() > 0 {
		ctx = call.With(ctx, call.Attempt(c.Attempt(), nil))
	}
	lease, err := p.balancer.Pick(ctx)
	if err != nil || lease.Client().connected.Load() {
		return lease, err
	}
	lease.Done(ctx, errUnsent)
	return lease, errUnconnected
}

// errUnconnected is for grpc-go's ears alone: the caller is told what the roster knows.
var errUnconnected = errors.New("grpckit: no instance is connected")

// nobody makes the call wait for the next update while there is hope.
func (p *picker) nobody(o *outbound) error {
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

// outcome is what the strategy is told of a call.
func outcome(d balancer.DoneInfo) error {
	switch {
	case !d.BytesSent:
		return errUnsent
	case d.Err == nil || d.Err == io.EOF:
		return nil
	}
	if s, ok := errors.AsType[statusError](d.Err); ok {
		return errorOf(s.GRPCStatus())
	}
	return errorOf(status.Convert(d.Err))
}
