package grpckit_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// stopping runs a server until stop is called; done then has what Serve returned.
func stopping(t *testing.T, e *echo, opts ...transport.Option) (registry *memory.Registry, stop func(), done chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	registry = memory.NewRegistry()
	ready := new(transport.Readiness)
	server := grpckit.NewServer(grpckit.Readiness(ready))
	echopb.RegisterEchoServer(server, e)
	listening := make(chan struct{})
	opts = append(opts, transport.Register(registry.Registrar("echo"), sd.Instance{}), transport.MarkReady(ready),
		transport.OnListen(func(net.Addr) { close(listening) }), transport.NoticeDelay(20*time.Millisecond))
	done = make(chan error, 1)
	go func() { done <- transport.Serve(ctx, "127.0.0.1:0", server, opts...) }()
	<-listening
	return registry, stop, done
}

func TestServeDrainsCallsAndStreams(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	registry, stop, done := stopping(t, &echo{chat: repeatAll, say: func(_ context.Context, m *echopb.Message) (*echopb.Message, error) {
		close(begun)
		<-finish
		return m, nil
	}})
	conn, err := grpckit.NewBalancedClient("echo", registry.Instancer("echo"), lb.RoundRobin())
	client := echopb.NewEchoClient(opened(t, conn, err))
	stream, err := client.Chat(within(t), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := client.Say(within(t), &echopb.Message{})
		answered <- err
	}()
	<-begun
	stop()
	eventually(t, "nobody is left to call", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel() // or the stream would be drained too
		_, err := client.Chat(ctx)
		return errors.Is(err, lb.ErrNoInstance)
	})
	if err := exchange(homed{BidiStreamingClient: stream}, 1); err != nil {
		t.Errorf("the stream is cut during the drain: %v", err)
	}
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	select {
	case err := <-done:
		t.Errorf("Serve does not wait for the stream: %v", err)
	default:
	}
	_ = stream.CloseSend()
	if err := drain(stream); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeCutsWhatOutlastsTheDrain(t *testing.T) {
	registry, stop, done := stopping(t, &echo{chat: repeatAll}, transport.DrainWithin(50*time.Millisecond))
	conn, err := grpckit.NewBalancedClient("echo", registry.Instancer("echo"), lb.RoundRobin())
	stream, err := echopb.NewEchoClient(opened(t, conn, err)).Chat(within(t), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if err := exchange(homed{BidiStreamingClient: stream}, 1); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := stream.Recv(); endpoint.CodeOf(err) != endpoint.Unavailable {
		t.Errorf("the stream ends with %v", err)
	}
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve: %v", err)
	}
}

func TestShutdownAndCloseMayComeAgain(t *testing.T) {
	server := grpckit.NewServer()
	_ = serve(t, server, &echo{})
	for range 2 {
		if err := server.Shutdown(within(t)); err != nil {
			t.Error(err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
}
