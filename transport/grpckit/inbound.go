package grpckit

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"

	"google.golang.org/grpc/peer"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

// inbound is what every call that comes in goes through.
type inbound struct {
	serverConfig
	propagator *call.Propagator
}

// context returns what the metadata says of the call. The deadline is gRPC's own, so
// that there is nothing to cancel: no other is believed.
func (s *inbound) context(ctx context.Context) context.Context {
	in := incomings.Get().(*incoming)
	in.ctx = ctx
	next, _ := s.propagator.Extract(ctx, in, call.Peer(peerOf(ctx)))
	in.ctx = nil
	incomings.Put(in)
	return next
}

func peerOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	if tcp, ok := p.Addr.(*net.TCPAddr); ok {
		// Half the allocations of its own String. That of a listener for both versions of
		// IP has an address of version 4 as one of version 6.
		addr := tcp.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()).String()
	}
	return p.Addr.String()
}

// finish, deferred, makes a status of an error and of a panic.
func (s *inbound) finish(ctx context.Context, method string, err *error) {
	if v := recover(); v != nil {
		p := &endpoint.PanicError{Value: v, Stack: debug.Stack()}
		*err = &endpoint.Error{Code: endpoint.Internal, Err: p}
		s.log(ctx, method, p)
	}
	if *err != nil {
		*err = s.statusOf(ctx, method, *err)
	}
}

// statusOf makes a status of an error. One that panics when it is looked at, as a nil
// pointer in an error does, is as a handler that panics: grpc-go would let it end the
// process.
func (s *inbound) statusOf(ctx context.Context, method string, err error) (out error) {
	defer func() {
		if v := recover(); v != nil {
			out = Status(&endpoint.Error{Code: endpoint.Internal}).Err()
			s.log(ctx, method, &endpoint.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	return Status(err).Err()
}

// log writes down a panic that no middleware of the endpoint has seen.
func (s *inbound) log(ctx context.Context, method string, p *endpoint.PanicError) {
	logger := s.logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.LogAttrs(ctx, slog.LevelError, "grpckit: panic in a handler",
		slog.String("method", method), slog.String("request_id", call.From(ctx).RequestID()),
		slog.String("error", p.Error()), slog.String("stack", string(p.Stack)))
}

// over returns the error of a call that is over before it began, or nil.
func over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &endpoint.Error{Code: endpoint.CodeOf(err), NotProcessed: true, Err: err}
	}
	return nil
}

// logged calls handle, and logs it if streams are to be.
func (s *inbound) logged(ctx context.Context, method string, handle func(context.Context) error) error {
	if s.streams == nil {
		return handle(ctx)
	}
	logged := log.Calls(func(ctx context.Context, _ struct{}) (struct{}, error) {
		err := handle(ctx)
		return struct{}{}, coded(err, chosenStatus(err))
	}, s.streams, method)
	_, err := logged(ctx, struct{}{})
	return err
}
