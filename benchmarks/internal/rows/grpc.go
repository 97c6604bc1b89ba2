package rows

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows/greetpb"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/transport/grpckit"
)

//go:generate env GOWORK=off go -C ../../../tools/protogen run . -dir=../../benchmarks/internal/rows/greetpb greet.proto

// GRPCs compares unary calls to one server, and to three that are picked in turn, one
// at a time and several.
func GRPCs() []measure.Group {
	return []measure.Group{
		grpcCalls("gRPC, one server", 1, connections),
		grpcCalls("gRPC, three servers", 3, connections),
		grpcCalls("gRPC, three servers, one call at a time", 3, 1),
	}
}

func grpcCalls(name string, servers, atOnce int) measure.Group {
	note := "Both ends over loopback, four calls at a time"
	if atOnce == 1 {
		note = "Both ends over loopback, one call at a time"
	}
	note += " on one connection for each server; the time is wall time over all of them. Clients of grpckit find the servers by an " +
		"Instancer and pick in turn by lb, those of grpc-go by its round_robin. All convert to and from messages of gRPC and bound a " +
		"call by 30 s. Between two ends of grpckit a request ID is made, the caller's address is known and panics are recovered. "
	g := measure.Group{Name: name, Note: note + "A client alone has servers of grpc-go.", Stretch: 5, Repeat: 4}
	for _, w := range GRPCWays {
		g.Contestants = append(g.Contestants, measure.Contestant{Name: w.Name, Open: func() (measure.Loop, func(), error) {
			e, stop, err := w.Open(servers)
			return parallel(atOnce, calls(e)), stop, err
		}})
	}
	// 0.95 of the calls per second is 1/0.95 of the time.
	within := measure.Budget{Ratio: 1 / 0.95, MoreAllocs: 5}
	g.Rows = []measure.Row{
		{What: "a unary call", Ours: "grpckit", Peer: "grpc-go", Budget: within},
		{What: "a unary call, client alone", Ours: "grpckit's client", Peer: "grpc-go", Budget: within},
		{What: "a unary call", Ours: "grpckit", Peer: "Go kit"},
	}
	return g
}

// GRPCWay is servers of [Greet] and a client that picks them in turn.
type GRPCWay struct {
	Name   string
	Server func() GRPCServer
	Dial   func(addrs []string) (endpoint.Endpoint[Message, Message], func(), error)
}

// GRPCServer is one of grpc-go or of grpckit, with the service.
type GRPCServer interface {
	Serve(net.Listener) error
	Stop()
}

// GRPCWays are those that are measured.
var GRPCWays = []GRPCWay{
	{"grpckit", newGRPCKitServer, dialGRPCKit},
	{"grpckit's client", newGRPCServer, dialGRPCKit},
	{"grpc-go", newGRPCServer, dialGRPC},
	{"Go kit", newKitGRPCServer, dialKitGRPC},
}

// Open starts the servers and returns the client of them.
func (w GRPCWay) Open(servers int) (endpoint.Endpoint[Message, Message], func(), error) {
	var addrs []string
	var running []GRPCServer
	stopAll := func() {
		for _, s := range running {
			s.Stop()
		}
	}
	for range servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			stopAll()
			return nil, nil, err
		}
		s := w.Server()
		go func() { _ = s.Serve(l) }()
		running, addrs = append(running, s), append(addrs, l.Addr().String())
	}
	e, hangUp, err := w.Dial(addrs)
	if err != nil {
		stopAll()
		return nil, nil, err
	}
	// So that all are connected before anything is measured.
	for range 20 * servers {
		if _, err := e(context.Background(), Message{}); err != nil {
			hangUp()
			stopAll()
			return nil, nil, err
		}
	}
	return e, func() { hangUp(); stopAll() }, nil
}

func toPB(m Message) (*greetpb.Message, error) {
	return &greetpb.Message{Text: m.Text, N: int64(m.N)}, nil
}
func fromPB(m *greetpb.Message) (Message, error) { return Message{m.GetText(), int(m.GetN())}, nil }

// greeter puts an endpoint behind the generated server.
type greeter struct {
	greetpb.UnimplementedGreeterServer
	greet endpoint.Endpoint[*greetpb.Message, *greetpb.Message]
}

func (g greeter) Greet(ctx context.Context, m *greetpb.Message) (*greetpb.Message, error) {
	return g.greet(ctx, m)
}

func newGRPCKitServer() GRPCServer {
	s := grpckit.NewServer()
	greetpb.RegisterGreeterServer(s, greeter{greet: grpckit.Convert(Greet, fromPB, toPB)})
	return s
}

func dialGRPCKit(addrs []string) (endpoint.Endpoint[Message, Message], func(), error) {
	var list []sd.Instance
	for _, addr := range addrs {
		list = append(list, sd.Instance{Addr: addr})
	}
	instances, err := static.NewInstancer(list...)
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpckit.NewBalancedClient("greeter", instances, lb.RoundRobin())
	if err != nil {
		return nil, nil, err
	}
	e := grpckit.Convert(grpckit.NewEndpoint(greetpb.NewGreeterClient(conn).Greet), toPB, fromPB)
	return e, func() { _ = conn.Close() }, nil
}

// plainGreeter is grpc-go alone.
type plainGreeter struct {
	greetpb.UnimplementedGreeterServer
}

func (plainGreeter) Greet(ctx context.Context, m *greetpb.Message) (*greetpb.Message, error) {
	answer, err := Greet(ctx, Message{m.GetText(), int(m.GetN())})
	if err != nil {
		return nil, err
	}
	return &greetpb.Message{Text: answer.Text, N: int64(answer.N)}, nil
}

func newGRPCServer() GRPCServer {
	s := grpc.NewServer()
	greetpb.RegisterGreeterServer(s, plainGreeter{})
	return s
}

func dialGRPC(addrs []string) (endpoint.Endpoint[Message, Message], func(), error) {
	var state resolver.State
	for _, addr := range addrs {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	source := manual.NewBuilderWithScheme("rows")
	source.InitialState(state)
	conn, err := grpc.NewClient("rows:///greeter", grpc.WithResolvers(source), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`))
	if err != nil {
		return nil, nil, err
	}
	client := greetpb.NewGreeterClient(conn)
	return func(ctx context.Context, m Message) (Message, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		answer, err := client.Greet(ctx, &greetpb.Message{Text: m.Text, N: int64(m.N)})
		if err != nil {
			return Message{}, err
		}
		return Message{answer.GetText(), int(answer.GetN())}, nil
	}, func() { _ = conn.Close() }, nil
}
