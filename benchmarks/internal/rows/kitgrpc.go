package rows

import (
	"context"
	"time"

	kitsd "github.com/go-kit/kit/sd"
	kitlb "github.com/go-kit/kit/sd/lb"
	kitgrpc "github.com/go-kit/kit/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dowelkit/dowel/benchmarks/internal/rows/greetpb"
	"github.com/dowelkit/dowel/endpoint"
)

// kitGreeter is [Greet] by Go kit's transport, as its documentation shows it.
type kitGreeter struct {
	greetpb.UnimplementedGreeterServer
	greet kitgrpc.Handler
}

func (g kitGreeter) Greet(ctx context.Context, m *greetpb.Message) (*greetpb.Message, error) {
	_, resp, err := g.greet.ServeGRPC(ctx, m)
	if err != nil {
		return nil, err
	}
	return resp.(*greetpb.Message), nil
}

func newKitGRPCServer() GRPCServer {
	decode := func(_ context.Context, m any) (any, error) { return fromPB(m.(*greetpb.Message)) }
	encode := func(_ context.Context, m any) (any, error) { return toPB(m.(Message)) }
	s := grpc.NewServer(grpc.UnaryInterceptor(kitgrpc.Interceptor))
	greetpb.RegisterGreeterServer(s, kitGreeter{greet: kitgrpc.NewServer(KitGreet, decode, encode)})
	return s
}

// dialKitGRPC makes a connection for each server and picks by Go kit's balancer.
func dialKitGRPC(addrs []string) (endpoint.Endpoint[Message, Message], func(), error) {
	var conns []*grpc.ClientConn
	hangUp := func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	encode := func(_ context.Context, m any) (any, error) { return toPB(m.(Message)) }
	decode := func(_ context.Context, m any) (any, error) { return fromPB(m.(*greetpb.Message)) }
	var endpoints kitsd.FixedEndpointer
	for _, addr := range addrs {
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		conns = append(conns, conn)
		endpoints = append(endpoints, kitgrpc.NewClient(conn, "greet.Greeter", "Greet", encode, decode, greetpb.Message{}).Endpoint())
	}
	balancer := kitlb.NewRoundRobin(endpoints)
	return func(ctx context.Context, m Message) (Message, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		e, err := balancer.Endpoint()
		if err != nil {
			return Message{}, err
		}
		resp, err := e(ctx, m)
		if err != nil {
			return Message{}, err
		}
		return resp.(Message), nil
	}, hangUp, nil
}
