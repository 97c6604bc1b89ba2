package grpckit

import (
	"context"
	"io"

	"google.golang.org/grpc"
)

// clientCore is what the interceptors of one client know.
type clientCore struct {
	clientConfig
	last bool // no interceptor comes after it that could put another call into the context
}

// UnaryClientInterceptor gives the calls of a connection that was not made by
// [NewClient] what that gives: metadata, a timeout and errors. Of the options those
// that say how to connect, and [ReportTo], count for nothing here. It panics if one is nil or out of
// range.
func UnaryClientInterceptor(opts ...ClientOption) grpc.UnaryClientInterceptor {
	return (&clientCore{clientConfig: mustClientConfig("UnaryClientInterceptor", opts)}).unary
}

// StreamClientInterceptor is [UnaryClientInterceptor] for streams. It has no use for
// a timeout.
func StreamClientInterceptor(opts ...ClientOption) grpc.StreamClientInterceptor {
	return (&clientCore{clientConfig: mustClientConfig("StreamClientInterceptor", opts)}).stream
}

func (c *clientCore) unary(
	ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	o, out, err := c.begin(ctx)
	if err != nil {
		return err
	}
	if err := invoke(out, method, req, reply, conn, opts...); err != nil {
		return o.failure(conn, err)
	}
	return nil
}

func (c *clientCore) stream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	o, out, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	o.stream = true
	s, err := open(out, desc, conn, method, opts...)
	if err != nil {
		return nil, o.failure(conn, err)
	}
	return &clientStream{s, o, conn}, nil
}

// clientStream is a stream whose errors are of the toolkit's kind. io.EOF stays what
// it is: the end, or on sending the hint that the error is to be received.
type clientStream struct {
	grpc.ClientStream
	call *outbound
	conn *grpc.ClientConn
}

func (s *clientStream) fail(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return s.call.failure(s.conn, err)
}

func (s *clientStream) CloseSend() error { return s.fail(s.ClientStream.CloseSend()) }

func (s *clientStream) SendMsg(m any) error {
	s.call.sending.Store(true)
	defer s.call.sending.Store(false)
	return s.fail(s.ClientStream.SendMsg(m))
}

func (s *clientStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == io.EOF && s.call.cut.Load() != nil {
		return s.call.failure(s.conn, err) // it is not the end of the answers
	}
	return s.fail(err)
}
