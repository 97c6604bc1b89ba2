package grpckit

import (
	"context"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/endpoint"
)

// NewStreamEndpoint returns an endpoint that calls a method of a generated client
// whose server answers with a stream:
//
//	list := grpckit.NewStreamEndpoint(client.List)
//	items, err := list(ctx, req)
//	for item, err := range items { … }
//
// The call begins with the endpoint's, and so does the picking of an instance. The
// sequence can be ranged over once; an error, if there is one, is its last pair. The
// call ends with the loop, however that ends, or with ctx: a caller that does not range
// must end its context. NewStreamEndpoint panics if method or an option is nil.
func NewStreamEndpoint[Req, T any](
	method func(ctx context.Context, req Req, opts ...grpc.CallOption) (grpc.ServerStreamingClient[T], error),
	opts ...grpc.CallOption,
) endpoint.Endpoint[Req, iter.Seq2[*T, error]] {
	refuse("NewStreamEndpoint", unless(method != nil, "the method is nil"), checkCallOptions(opts))
	return func(ctx context.Context, req Req) (iter.Seq2[*T, error], error) {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := method(ctx, req, opts...)
		if err != nil {
			cancel()
			return nil, err
		}
		return func(yield func(*T, error) bool) {
			defer cancel()
			Messages(stream)(yield)
		}, nil
	}
}

// Messages returns what comes in on a stream, of a client or of a server, until the
// other side ends it. An error, if there is one, is the last pair. The stream of a
// client goes on if the loop breaks off: end its context then.
func Messages[T any](stream interface{ Recv() (*T, error) }) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for {
			m, err := stream.Recv()
			if err == io.EOF || !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Send sends all messages of a sequence on a stream, of a server or of a client, and
// returns its first error or that of the stream. On a client's stream that is io.EOF if
// the server ended the call; its own error is received.
//
//	func (s server) List(r *pb.ListRequest, stream grpc.ServerStreamingServer[pb.Item]) error {
//		return grpckit.Send(stream, s.items(stream.Context(), r))
//	}
func Send[T any](stream interface{ Send(*T) error }, messages iter.Seq2[*T, error]) error {
	for m, err := range messages {
		if err != nil {
			return err
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}
