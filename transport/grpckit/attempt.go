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
	call  *outbound // nil if it is not of a client of ours
	lease lb.Lease[*link]
	done  func(balancer.DoneInfo)
}

var attempts sync.Pool // of *attempt; a New of it would be an initialization cycle

func newAttempt(ctx context.Context, call *outbound, lease lb.Lease[*link]) *attempt {
	a, ok := attempts.Get().(*attempt)
	if !ok {
		a = new(attempt)
		a.done = a.end
	}
	a.ctx, a.call, a.lease = ctx, call, lease
	return a
}

func (a *attempt) end(d balancer.DoneInfo) {
	ctx, call, lease := a.ctx, a.call, a.lease
	a.ctx, a.call, a.lease = nil, nil, lb.Lease[*link]{}
	attempts.Put(a)
	if !d.BytesSent && call != nil {
		call.reach.returns()
	}
	if load := lease.Client().load; load != nil {
		if utilization, ok := reported(d.Trailer); ok {
			load.Report(utilization)
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
	case d.Err == nil || d.Err == io.EOF:
		return nil
	}
	if s, ok := errors.AsType[statusError](d.Err); ok {
		return errorOf(s.GRPCStatus())
	}
	return errorOf(status.Convert(d.Err))
}
