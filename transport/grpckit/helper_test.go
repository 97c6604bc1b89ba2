package grpckit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// patience is how long anything may take on a busy machine.
const patience = 30 * time.Second

// arrives is a time in which a request gets to its server, on a busy machine too.
const arrives = 3 * time.Second

// echo is the service of the tests. What is nil is unimplemented.
type echo struct {
	echopb.UnimplementedEchoServer
	say    func(context.Context, *echopb.Message) (*echopb.Message, error)
	list   func(*echopb.Message, grpc.ServerStreamingServer[echopb.Message]) error
	gather func(grpc.ClientStreamingServer[echopb.Message, echopb.Message]) error
	chat   func(grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error
}

func (e *echo) Say(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
	if e.say == nil {
		return e.UnimplementedEchoServer.Say(ctx, m)
	}
	return e.say(ctx, m)
}

func (e *echo) List(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
	if e.list == nil {
		return e.UnimplementedEchoServer.List(m, s)
	}
	return e.list(m, s)
}

func (e *echo) Gather(s grpc.ClientStreamingServer[echopb.Message, echopb.Message]) error {
	if e.gather == nil {
		return e.UnimplementedEchoServer.Gather(s)
	}
	return e.gather(s)
}

func (e *echo) Chat(s grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error {
	if e.chat == nil {
		return e.UnimplementedEchoServer.Chat(s)
	}
	return e.chat(s)
}

// repeat answers with what it got.
func repeat(_ context.Context, m *echopb.Message) (*echopb.Message, error) { return m, nil }

// repeatAll answers each message with itself.
func repeatAll(s grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error {
	return grpckit.Send(s, grpckit.Messages(s))
}

// failing answers every call with err.
func failing(err error) *echo {
	return &echo{say: func(context.Context, *echopb.Message) (*echopb.Message, error) { return nil, err }}
}

// server is a *grpc.Server or one of ours.
type server interface {
	grpc.ServiceRegistrar
	Serve(net.Listener) error
	Stop()
}

// serve runs a server with the service until the test ends, and returns its address.
func serve(t testing.TB, s server, e *echo) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	echopb.RegisterEchoServer(s, e)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// dial returns a connection of ours, closed with the test.
func dial(t testing.TB, addr string, opts ...grpckit.ClientOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpckit.NewClient(addr, opts...)
	return opened(t, conn, err)
}

// dialPlain returns a connection of grpc-go without anything of ours.
func dialPlain(t testing.TB, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)
	conn, err := grpc.NewClient(addr, opts...)
	return opened(t, conn, err)
}

func opened(t testing.TB, conn *grpc.ClientConn, err error) *grpc.ClientConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// within returns a context that ends with the patience.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// instances returns one for each address.
func instances(addrs ...string) (all []*sd.Instance) {
	var found []sd.Instance
	for _, addr := range addrs {
		found = append(found, sd.Instance{Addr: addr})
	}
	return sd.NextSet(nil, found)
}

// drain reads a stream to its end.
func drain(s interface {
	Recv() (*echopb.Message, error)
}) error {
	for {
		if _, err := s.Recv(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// peerOf returns the address of the server of a stream.
func peerOf(t testing.TB, s grpc.ClientStream) string {
	t.Helper()
	p, ok := peer.FromContext(s.Context())
	if !ok {
		t.Fatal("the stream has no peer")
	}
	return p.Addr.String()
}

// grpcCode is that of an error of any client.
func grpcCode(err error) endpoint.Code { return endpoint.Code(status.Code(err)) }
