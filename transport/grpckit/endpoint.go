package grpckit

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
)

// NewEndpoint returns an endpoint that calls a unary method of a generated client, with
// the call options:
//
//	sum := grpckit.NewEndpoint(pb.NewAddClient(conn).Sum)
//
// conn is of [NewClient] or [NewBalancedClient], or one of grpc-go's own that has
// [UnaryClientInterceptor]. NewEndpoint panics if method or an option is nil.
func NewEndpoint[Req, Resp any](
	method func(ctx context.Context, req Req, opts ...grpc.CallOption) (Resp, error), opts ...grpc.CallOption,
) endpoint.Endpoint[Req, Resp] {
	refuse("NewEndpoint", unless(method != nil, "the method is nil"), checkCallOptions(opts))
	return func(ctx context.Context, req Req) (Resp, error) { return method(ctx, req, opts...) }
}

// Client is a generated client C and the connection that it uses, to one instance.
// [Dialer] makes it and closes it with the instance.
type Client[C any] struct {
	API C
	*grpc.ClientConn
}

// Dialer returns the function by which an [sd.Endpointer] makes a client for each
// instance, for [Method] to call:
//
//	clients := sd.NewEndpointer(instances, grpckit.Dialer(pb.NewAddClient))
//
// It returns once the connection stands. generated is the function that makes the
// client in generated code. Dialer panics if that or an option is nil, or if an option
// is out of range.
func Dialer[C any](
	generated func(grpc.ClientConnInterface) C, opts ...ClientOption,
) func(context.Context, *sd.Instance) (*Client[C], error) {
	_, faults := newClientConfig(opts)
	refuse("Dialer", unless(generated != nil, "the function for the client is nil"), faults)
	return func(ctx context.Context, in *sd.Instance) (*Client[C], error) {
		conn, err := dialInstance(ctx, in, opts)
		if err != nil {
			return nil, err
		}
		return &Client[C]{generated(conn), conn}, nil
	}
}

func dialInstance(ctx context.Context, in *sd.Instance, opts []ClientOption) (*grpc.ClientConn, error) {
	conn, err := NewClient(in.Addr, opts...)
	if err != nil {
		return nil, err
	}
	if err := Ready(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Method returns a method of a generated client, with the call options, as lb.Endpoint
// takes it:
//
//	sum := lb.Endpoint(balancer, grpckit.Method(pb.AddClient.Sum))
//
// It panics if method or an option is nil.
func Method[C, Req, Resp any](
	method func(c C, ctx context.Context, req Req, opts ...grpc.CallOption) (Resp, error), opts ...grpc.CallOption,
) func(c *Client[C], ctx context.Context, req Req) (Resp, error) {
	refuse("Method", unless(method != nil, "the method is nil"), checkCallOptions(opts))
	return func(c *Client[C], ctx context.Context, req Req) (Resp, error) {
		return method(c.API, ctx, req, opts...)
	}
}

func checkCallOptions(opts []grpc.CallOption) error {
	var faults []error
	for i, opt := range opts {
		faults = append(faults, unless(opt != nil, "option %d is nil", i+1))
	}
	return errors.Join(faults...)
}
