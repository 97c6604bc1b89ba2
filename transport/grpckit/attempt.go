package grpckit

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// attempt is a pick that grpc-go has, until it tells how it went. A pick makes no
// closure: attempts are used again, each with the one function that it was made with.
// So that is to be called once, as grpc-go does.
type attempt struct {
	ctx   context.Context
	lease lb.Lease[*link]
	done  func(balancer.DoneInfo)
}

var attempts sync.Pool // of *attempt; a New of it would be an initialization cycle

func newAttempt(ctx context.Context, lease lb.Lease[*link]) *attempt {
	a, ok := attempts.Get().(*attempt)
	if !ok {
		a = new(attempt)
		a.done = a.end
	}
	a.ctx, a.lease = ctx, lease
	return a
}

func (a *attempt) end(d balancer.DoneInfo) {
	ctx, lease := a.ctx, a.lease
	a.ctx, a.lease = nil, lb.Lease[*link]{}
	attempts.Put(a)
	to := lease.Client()
	if to.load != nil {
		if utilization, ok := reported(d.Trailer); ok {
			to.load.Report(utilization)
		}
	}
	if d.BytesSent && d.Err == nil {
		lease.Done(ctx, nil)
		return
	}
	if o := outboundOf(ctx); o != nil {
		o.instance.Store(lease.Instance())
		if d.BytesSent {
			o.reach.Store(reached)
		} else {
			to.balancer.missed(ctx, o)
		}
	}
	lease.Done(ctx, outcome(d))
}

// errUnsent is what an instance's call is booked as that never had a stream: whatever
// the reason, it tells nothing of the instance.
var errUnsent = &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, Outgoing: true}

// outcome is what the strategy is told of a call.
func outcome(d balancer.DoneInfo) error {
	switch {
	case !d.BytesSent:
		return errUnsent
	case d.Err == io.EOF:
		return nil
	}
	if s, ok := errors.AsType[statusError](d.Err); ok {
		return errorOf(s.GRPCStatus())
	}
	return errorOf(status.Convert(d.Err))
}
