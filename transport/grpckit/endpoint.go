package grpckit

import (
	"context"
	"errors"
	"reflect"
	"slices"

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
// [UnaryClientInterceptor]. NewEndpoint panics if method or an option is nil, or if
// the method is a stream: see [NewStreamEndpoint].
func NewEndpoint[Req, Resp any](
	method func(ctx context.Context, req Req, opts ...grpc.CallOption) (Resp, error), opts ...grpc.CallOption,
) endpoint.Endpoint[Req, Resp] {
	refuse("NewEndpoint", unless(method != nil, "the method is nil"), checkUnary[Resp](), checkCallOptions(opts))
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
// It returns once the connection stands, or the first attempt to connect has failed:
// with an error of code Unavailable that wraps the cause, a refused port say or a wrong
// certificate. An attempt is given 5 s, and the context less. generated is the function
// that makes the client in generated code. Dialer panics if that or an option is nil, or if an option
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
	picked := func(c *clientConfig) error { c.picked = true; return nil }
	conn, err := newClient(*in, append(slices.Clip(opts), picked))
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, conn, false); err != nil {
		_ = conn.Close() // of which nobody has heard
		return nil, err
	}
	return conn, nil
}

// Method returns a method of a generated client, with the call options, as lb.Endpoint
// takes it:
//
//	sum := lb.Endpoint(balancer, grpckit.Method(pb.AddClient.Sum))
//
// It panics if method or an option is nil, or if the method is a stream: that outlives
// the endpoint's call, and so the lease of its instance, which might be closed under it.
// A connection of [NewBalancedClient] balances streams.
func Method[C, Req, Resp any](
	method func(c C, ctx context.Context, req Req, opts ...grpc.CallOption) (Resp, error), opts ...grpc.CallOption,
) func(c *Client[C], ctx context.Context, req Req) (Resp, error) {
	refuse("Method", unless(method != nil, "the method is nil"), checkUnary[Resp](), checkCallOptions(opts))
	return func(c *Client[C], ctx context.Context, req Req) (Resp, error) {
		return method(c.API, ctx, req, opts...)
	}
}

// checkUnary returns an error if what a method returns is a stream.
func checkUnary[Resp any]() error {
	stream := reflect.TypeFor[Resp]().Implements(reflect.TypeFor[grpc.ClientStream]())
	return unless(!stream, "the method is a stream")
}

func checkCallOptions(opts []grpc.CallOption) error {
	var faults []error
	for i, opt := range opts {
		faults = append(faults, unless(opt != nil, "option %d is nil", i+1))
	}
	return errors.Join(faults...)
}
