package grpckit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// Generated code takes the connection as it is.
func ExampleNewClient() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpckit.NewClient(addr, grpckit.ClientTimeout(5*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	ctx := call.With(context.Background(), call.RequestID("42"))
	m, err := echopb.NewEchoClient(conn).Say(ctx, &echopb.Message{Text: "gopher"})
	fmt.Println(m.GetText(), err)
	// Output: hello gopher, this is request 42 <nil>
}

func ExampleReady() {
	conn, err := grpckit.NewClient("127.0.0.1:1") // where nobody listens
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = grpckit.Ready(ctx, conn)
	fmt.Println(endpoint.CodeOf(err), errors.Is(err, context.DeadlineExceeded))
	// Output: unavailable true
}

// A method of a generated client is an endpoint, for whatever goes round one.
func ExampleNewEndpoint() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpckit.NewClient(addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	say := grpckit.NewEndpoint(echopb.NewEchoClient(conn).Say)
	say = lb.Retry(say, lb.MaxAttempts(3))
	_, err = say(context.Background(), &echopb.Message{})
	fmt.Println(errors.Is(err, errNobody))
	// Output: true
}

func ExampleNewStreamEndpoint() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpckit.NewClient(addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	list := grpckit.NewStreamEndpoint(echopb.NewEchoClient(conn).List)
	items, err := list(context.Background(), &echopb.Message{N: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range items {
		if err != nil || m.GetN() < 999 {
			break // which ends the call
		}
		fmt.Println(m.GetN())
	}
	// Output:
	// 1000
	// 999
}

// The client of an instance is picked, called and given back in one.
func ExampleMethod() {
	addr, stop := startGreeter()
	defer stop()
	instances, err := static.NewInstancer(sd.Instance{Addr: addr})
	if err != nil {
		fmt.Println(err)
		return
	}
	clients := sd.NewEndpointer(instances, grpckit.Dialer(echopb.NewEchoClient))
	defer clients.Close()
	if err := clients.Ready(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	say := lb.Endpoint(lb.New(clients, lb.RoundRobin()), grpckit.Method(echopb.EchoClient.Say))
	m, err := say(call.With(context.Background(), call.RequestID("42")), &echopb.Message{Text: "method"})
	fmt.Println(m.GetText(), err)
	// Output: hello method, this is request 42 <nil>
}

// Servers say how busy they are, and calls go to those that are less.
func ExampleReportTo() {
	busy := func() float64 { return 0.9 } // the part of a limit that is used, say
	server := grpckit.NewServer(grpckit.ReportLoad(busy))
	defer server.Close()

	instances, err := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:8081"}, sd.Instance{Addr: "10.0.0.2:8081"})
	if err != nil {
		fmt.Println(err)
		return
	}
	loads := new(lb.Loads)
	conn, err := grpckit.NewBalancedClient("greeter", instances, lb.LeastLoaded(loads), grpckit.ReportTo(loads))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.Target(), conn.Close())
	// Output: dowel:///greeter <nil>
}

// What is sent may come from a sequence, and what comes in is one.
func ExampleSend() {
	stream := new(tape)
	err := grpckit.Send(stream, countdown(3))
	fmt.Println(len(stream.messages), err)
	for m, err := range grpckit.Messages(stream) {
		fmt.Println(m.GetN(), err)
	}
	// Output:
	// 3 <nil>
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
}

// tape has the methods of a generated stream that Send and Messages use.
type tape struct{ messages []*echopb.Message }

func (t *tape) Send(m *echopb.Message) error { t.messages = append(t.messages, m); return nil }

func (t *tape) Recv() (*echopb.Message, error) {
	if len(t.messages) == 0 {
		return nil, io.EOF
	}
	m := t.messages[0]
	t.messages = slices.Delete(t.messages, 0, 1)
	return m, nil
}

// What a status says is the error that went out.
func ExampleError() {
	st := grpckit.Status(&endpoint.Error{Code: endpoint.NotFound, Message: "no such user", Reason: "NO_USER"})
	err := grpckit.Error(st)
	fmt.Println(endpoint.CodeOf(err), endpoint.Public(err).Message, endpoint.Public(err).Reason)
	// Output: not_found no such user NO_USER
}

func ExampleStreamClientInterceptor() {
	addr, stop := startGreeter()
	defer stop()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainStreamInterceptor(grpckit.StreamClientInterceptor()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	stream, err := echopb.NewEchoClient(conn).Chat(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = stream.Recv()
	fmt.Println(endpoint.CodeOf(err))
	// Output: unimplemented
}

func ExampleStreamServerInterceptor() {
	server := grpc.NewServer(grpc.ChainStreamInterceptor(grpckit.StreamServerInterceptor()))
	echopb.RegisterEchoServer(server, greeter{})
	fmt.Println(len(server.GetServiceInfo()))
	// Output: 1
}
