package main

import (
	"context"
	"crypto/tls"

	"github.com/dowelkit/dowel/examples/addsvc/addpb"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// grpcServer puts an endpoint behind each method of the generated server.
type grpcServer struct {
	addpb.UnimplementedAddServer
	Endpoints
}

func (s grpcServer) Sum(ctx context.Context, r *addpb.SumRequest) (*addpb.SumReply, error) {
	v, err := s.Endpoints.Sum(ctx, SumRequest{A: r.GetA(), B: r.GetB()})
	return &addpb.SumReply{V: v}, err
}

func (s grpcServer) Concat(ctx context.Context, r *addpb.ConcatRequest) (*addpb.ConcatReply, error) {
	v, err := s.Endpoints.Concat(ctx, ConcatRequest{A: r.GetA(), B: r.GetB()})
	return &addpb.ConcatReply{V: v}, err
}

// NewGRPCServer serves the endpoints over gRPC. secure is nil for plain text.
func NewGRPCServer(e Endpoints, secure *tls.Config) transport.Server {
	var opts []grpckit.ServerOption
	if secure != nil {
		opts = append(opts, grpckit.TLS(secure))
	}
	server := grpckit.NewServer(opts...)
	addpb.RegisterAddServer(server, grpcServer{Endpoints: e})
	return server
}

// NewGRPCClient calls the live instances over gRPC. secure is nil for plain text.
func NewGRPCClient(instances sd.Instancer, secure *tls.Config) (e Endpoints, stop func() error, err error) {
	var opts []grpckit.ClientOption
	if secure != nil {
		opts = append(opts, grpckit.ClientTLS(secure))
	}
	conn, err := grpckit.NewBalancedClient("addsvc", instances, lb.PeakEWMA(), opts...)
	if err != nil {
		return Endpoints{}, nil, err
	}
	client := addpb.NewAddClient(conn)
	e.Sum = func(ctx context.Context, r SumRequest) (int64, error) {
		reply, err := client.Sum(ctx, &addpb.SumRequest{A: r.A, B: r.B})
		return reply.GetV(), err
	}
	e.Concat = func(ctx context.Context, r ConcatRequest) (string, error) {
		reply, err := client.Concat(ctx, &addpb.ConcatRequest{A: r.A, B: r.B})
		return reply.GetV(), err
	}
	return e.resilient(), conn.Close, nil
}
