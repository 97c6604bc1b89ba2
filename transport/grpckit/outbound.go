package grpckit

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// outbound is one call on its way out. It is the context that grpc-go gets, so that
// the picker of a balanced connection finds it again and leaves there what only it
// knows. The fields are written by whatever goroutine makes an attempt.
type outbound struct {
	context.Context
	carrier  outgoing
	foreign  bool
	stream   bool
	unheard  bool        // nobody observes the call
	sending  atomic.Bool // a message of a stream is
	reach    reach
	unpicked atomic.Pointer[error]          // why nobody was picked
	cut      atomic.Pointer[endpoint.Error] // how the last attempt ended, if grpc-go takes a failure for a success
}

type outboundKey struct{}

func (o *outbound) Value(key any) any {
	if key == (outboundKey{}) {
		return o
	}
	return o.Context.Value(key)
}

// outboundOf returns the call of ctx, or nil if it is not of a client of ours.
func outboundOf(ctx context.Context) *outbound {
	o, _ := ctx.Value(outboundKey{}).(*outbound)
	return o
}

// begin returns a call and the context to make it with, or an error if it is over
// already.
func (c *clientCore) begin(ctx context.Context) (*outbound, context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, &endpoint.Error{
			Code: endpoint.CodeOf(err), NotProcessed: true, Local: true, Outgoing: true, Err: err,
		}
	}
	inner := call.From(ctx)
	o := &outbound{Context: ctx, foreign: c.foreign, unheard: c.last && !inner.Observed()}
	if c.foreign || inner == nil {
		return o, o, nil
	}
	o.carrier.present, _ = metadata.FromOutgoingContext(ctx)
	var p call.Propagator
	p.Inject(timeless{o}, &o.carrier)
	return o, o.carrier.context(o), nil
}

// failure makes an error of what grpc-go returned on a connection.
func (o *outbound) failure(conn *grpc.ClientConn, err error) error {
	e := o.errorOf(err)
	if e.Code == endpoint.Unavailable && conn.GetState() == connectivity.Shutdown {
		e.Code = endpoint.Canceled // by Close, which cuts streams off with either code
	}
	if cause := o.Err(); cause != nil && (e.Code == endpoint.Canceled || e.Code == endpoint.DeadlineExceeded) {
		e.Code, e.Err = endpoint.CodeOf(cause), &ended{e.Err, cause}
	}
	// Without a stream nothing can have reached a server.
	if o.reach.unsent() {
		e.NotProcessed = true
	}
	if in := o.reach.instance.Load(); in != nil && e.Instance == "" {
		e.Instance = in.ID // unless an interceptor that made several attempts knows better
	}
	return e
}

// ended is an error of a call whose context ended, which errors.Is finds too. The text
// of the first says so already.
type ended struct {
	error
	cause error
}

func (e *ended) Unwrap() []error { return []error{e.error, e.cause} }

// errorOf returns an error that nobody else has, so that it can be added to.
func (o *outbound) errorOf(err error) *endpoint.Error {
	coded, isCoded := errors.AsType[*endpoint.Error](err)
	unpicked := o.unpicked.Load()
	switch {
	case isCoded: // of an interceptor of the user's
		return outgoingError(err, coded)
	case unpicked != nil && status.Code(err) == codes.Unavailable && o.reach.unsent():
		if coded, ok := errors.AsType[*endpoint.Error](*unpicked); ok {
			return outgoingError(*unpicked, coded)
		}
	}
	if s, ok := errors.AsType[statusError](err); ok {
		e := errorOf(s.GRPCStatus())
		if o.foreign {
			distrust(e)
		}
		return e
	}
	if errors.Is(err, io.EOF) {
		return o.cutOff(err)
	}
	return &endpoint.Error{Code: endpoint.CodeOf(err), Outgoing: true, Err: err}
}

// ended notes what is told of an attempt that ended with err, as grpc-go has it.
func (o *outbound) ended(err, told error) {
	if e, ok := told.(*endpoint.Error); ok && e != errUnsent && err == nil {
		o.cut.Store(e)
	} else {
		o.cut.Store(nil)
	}
}

// cutOff makes an error of io.EOF, where that is not the end of a stream of answers.
// grpc-go 1.85 returns it, bare or as the last of several attempts, for a stream that
// ended before the request was written.
func (o *outbound) cutOff(err error) *endpoint.Error {
	if cut := o.cut.Load(); cut != nil && cut != errCut {
		e := *cut
		if o.foreign {
			distrust(&e)
		}
		return &e
	}
	return &endpoint.Error{Code: endpoint.Unavailable, Outgoing: true, Err: err}
}

// outgoingError returns what err says, marked Outgoing.
func outgoingError(err error, inner *endpoint.Error) *endpoint.Error {
	e := *inner
	if error(inner) != err {
		e.NotProcessed, e.Local = endpoint.IsNotProcessed(err), endpoint.IsLocal(err)
		e.Err = err
	}
	e.Outgoing = true
	return &e
}

// within bounds a call by the client's timeout, unless the context is sooner.
func (c *clientCore) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout == 0 {
		return ctx, func() {}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= c.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}
