package grpckit

import (
	"context"

	"google.golang.org/grpc"
)

// UnaryServerInterceptor gives the calls of a server that was not made by
// [NewServer] what that gives. Make it the first. Of the options those that say how to
// serve count for nothing here. It panics if one is nil or out of range.
func UnaryServerInterceptor(opts ...ServerOption) grpc.UnaryServerInterceptor {
	in := newInbound("UnaryServerInterceptor", opts)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return in.unary(ctx, info.FullMethod, func(ctx context.Context) (any, error) { return handler(ctx, req) })
	}
}

// StreamServerInterceptor is [UnaryServerInterceptor] for streams.
func StreamServerInterceptor(opts ...ServerOption) grpc.StreamServerInterceptor {
	in := newInbound("StreamServerInterceptor", opts)
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return in.stream(srv, stream, info.FullMethod, handler)
	}
}

func (s *inbound) unary(
	ctx context.Context, method string, handle func(context.Context) (any, error),
) (resp any, err error) {
	ctx = s.context(ctx)
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	defer s.finish(ctx, method, &err)
	if s.load != nil {
		defer func() { _ = grpc.SetTrailer(ctx, loadReport(s.load())) }() // fails if nobody listens
	}
	if err := over(ctx); err != nil {
		return nil, err
	}
	return handle(ctx)
}

func (s *inbound) stream(srv any, stream grpc.ServerStream, method string, handle grpc.StreamHandler) (err error) {
	ctx := s.context(stream.Context())
	defer s.finish(ctx, method, &err)
	if s.load != nil {
		defer func() { stream.SetTrailer(loadReport(s.load())) }()
	}
	if err := over(ctx); err != nil {
		return err
	}
	return s.logged(ctx, method, func(ctx context.Context) error {
		return handle(srv, &serverStream{stream, ctx})
	})
}

// serverStream is a stream with the context of the call.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }
