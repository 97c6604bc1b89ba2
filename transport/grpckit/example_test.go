package grpckit_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// greeter serves an endpoint behind each method of the generated server.
type greeter struct {
	echopb.UnimplementedEchoServer
	say endpoint.Endpoint[*echopb.Message, *echopb.Message]
}

func (g greeter) Say(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
	return g.say(ctx, m)
}

func (g greeter) List(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
	return grpckit.Send(s, countdown(m.GetN()))
}

var errNobody = &endpoint.Error{Code: endpoint.InvalidArgument, Message: "greet whom?", Reason: "NOBODY"}

func greet(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", errNobody
	}
	return "hello " + name + ", this is request " + call.From(ctx).RequestID(), nil
}

func countdown(n int64) iter.Seq2[*echopb.Message, error] {
	return func(yield func(*echopb.Message, error) bool) {
		for ; n > 0 && yield(&echopb.Message{N: n}, nil); n-- {
		}
	}
}

func text(s string) (*echopb.Message, error)   { return &echopb.Message{Text: s}, nil }
func textOf(m *echopb.Message) (string, error) { return m.GetText(), nil }

// startGreeter starts a server. A program calls transport.Serve instead.
func startGreeter() (addr string, stop func()) {
	server := grpckit.NewServer()
	echopb.RegisterEchoServer(server, greeter{say: grpckit.Convert(greet, textOf, text)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(l) }()
	return l.Addr().String(), func() { _ = server.Close() }
}

func Example() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpckit.NewClient(addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	client := echopb.NewEchoClient(conn)
	hello := grpckit.Convert(grpckit.NewEndpoint(client.Say), text, textOf)

	ctx := call.With(context.Background(), call.RequestID("42"))
	fmt.Println(hello(ctx, "gopher"))
	_, err = hello(ctx, "")
	fmt.Println(errors.Is(err, errNobody), endpoint.CodeOf(err))

	numbers, err := grpckit.NewStreamEndpoint(client.List)(ctx, &echopb.Message{N: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range numbers {
		fmt.Println(m.GetN(), err)
	}
	// Output:
	// hello gopher, this is request 42 <nil>
	// true invalid_argument
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
}

func ExampleNewBalancedClient() {
	registry := memory.NewRegistry()
	for range 3 {
		addr, stop := startGreeter()
		defer stop()
		if _, err := registry.Registrar("greeter").Register(context.Background(), sd.Instance{Addr: addr}); err != nil {
			fmt.Println(err)
			return
		}
	}
	conn, err := grpckit.NewBalancedClient("greeter", registry.Instancer("greeter"), lb.Eject(lb.PeakEWMA()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	say := lb.Retry(grpckit.NewEndpoint(echopb.NewEchoClient(conn).Say), lb.Idempotent())
	m, err := say(call.With(context.Background(), call.RequestID("42")), &echopb.Message{Text: "fleet"})
	fmt.Println(m.GetText(), err)
	// Output: hello fleet, this is request 42 <nil>
}

func ExampleDialer() {
	addr, stop := startGreeter()
	defer stop()
	registry := memory.NewRegistry()
	if err := registry.Set("greeter", sd.Instance{Addr: addr}); err != nil {
		fmt.Println(err)
		return
	}
	clients := sd.NewEndpointer(registry.Instancer("greeter"), grpckit.Dialer(echopb.NewEchoClient))
	defer clients.Close()
	if err := clients.Ready(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	say := lb.Endpoint(lb.New(clients, lb.LeastRequest()), grpckit.Method(echopb.EchoClient.Say))
	m, err := say(call.With(context.Background(), call.RequestID("42")), &echopb.Message{Text: "instance"})
	fmt.Println(m.GetText(), err)
	// Output: hello instance, this is request 42 <nil>
}

func ExampleStatus() {
	err := fmt.Errorf("query users: %w", &endpoint.Error{Code: endpoint.NotFound, Message: "no such user"})
	st := grpckit.Status(err)
	fmt.Println(st.Code(), st.Message())
	fmt.Println(errors.Is(grpckit.Error(st), err.(interface{ Unwrap() error }).Unwrap()))
	// Output:
	// NotFound no such user
	// true
}

func ExampleUnaryServerInterceptor() {
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(grpckit.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(grpckit.StreamServerInterceptor()))
	echopb.RegisterEchoServer(server, greeter{})
	fmt.Println(len(server.GetServiceInfo()))
	// Output: 1
}

func ExampleNewServer() {
	server := grpckit.NewServer(grpckit.Timeout(time.Second), grpckit.Allow("X-Tenant"))
	defer server.Close()
	echopb.RegisterEchoServer(server, greeter{say: grpckit.Convert(greet, textOf, text)})
	fmt.Println(len(server.GetServiceInfo()), "services, one of them for health")
	// Output: 2 services, one of them for health
}

func ExampleConvert() {
	inner := func(_ context.Context, m *echopb.Message) (*echopb.Message, error) { return m, nil }
	e := grpckit.Convert(inner, text, textOf)
	fmt.Println(e(context.Background(), "there and back"))
	// Output: there and back <nil>
}

func ExampleProbe() {
	addr, stop := startGreeter()
	defer stop()
	probe := grpckit.Probe("") // for sd.HealthCheck
	fmt.Println(probe(context.Background(), &sd.Instance{Addr: addr}))
	// Output: <nil>
}

func ExampleUnaryClientInterceptor() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(grpckit.UnaryClientInterceptor()),
		grpc.WithChainStreamInterceptor(grpckit.StreamClientInterceptor()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = echopb.NewEchoClient(conn).Say(context.Background(), &echopb.Message{})
	fmt.Println(errors.Is(err, errNobody))
	// Output: true
}
