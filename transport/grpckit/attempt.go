package grpckit

import (
	"context"
	"errors"
	"io"
	"sync"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

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
	var told error
	if d.Err != nil || !d.BytesSent || !d.BytesReceived || len(d.Trailer) > 0 || call != nil && call.sending.Load() {
		told = outcome(&d, call)
	} // or it was served, as most are
	if call != nil {
		if !d.BytesSent {
			call.reach.returns()
		}
		if told != nil || call.cut.Load() != nil {
			call.ended(d.Err, told)
		}
	}
	link := lease.Client()
	if d.BytesReceived {
		mark(&link.answered)
	} else {
		mark(&link.unanswered)
	}
	if load := link.load; load != nil {
		if utilization, ok := reported(d.Trailer); ok {
			load.Report(utilization)
		}
	}
	lease.Done(ctx, told)
}

// errUnsent is what an instance's call is booked as that never had a stream, or of which
// nobody knows how it ended: whatever the reason, it tells nothing of the instance.
var errUnsent = &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, Outgoing: true}

// errCut is what is known of a stream that ended without an answer.
var errCut = &endpoint.Error{
	Code: endpoint.Unavailable, Outgoing: true, Err: errors.New("grpckit: the stream ended while the call was sent"),
}

// outcome is what the strategy is told of a call, which is nil if it is none of ours.
func outcome(d *balancer.DoneInfo, call *outbound) error {
	switch {
	case !d.BytesSent:
		return errUnsent
	case d.Err == nil || d.Err == io.EOF:
		return silent(d, call)
	}
	if s, ok := errors.AsType[statusError](d.Err); ok {
		return errorOf(s.GRPCStatus())
	}
	return errorOf(status.Convert(d.Err))
}

// silent is the outcome of an attempt of which grpc-go tells no error. It was served, or
// its stream ended, by whatever status, before all of the request was written: grpc-go
// 1.85 tells of that as of a success.
func silent(d *balancer.DoneInfo, call *outbound) error {
	if !d.BytesReceived { // who serves answers
		return errCut
	}
	if st := detailed(d.Trailer); st != nil {
		return errorOf(st)
	}
	if call != nil && call.sending.Load() {
		return errUnsent
	}
	return nil
}

// detailed returns the status of a trailer, if that has one with details, as those of
// [Status] have. That of a success has none. Of several grpc-go heeds none.
func detailed(trailer metadata.MD) *status.Status {
	details := trailer["grpc-status-details-bin"]
	if len(details) != 1 {
		return nil
	}
	st := new(spb.Status)
	if proto.Unmarshal([]byte(details[0]), st) != nil || st.GetCode() == int32(codes.OK) {
		return nil
	}
	return status.FromProto(st)
}
