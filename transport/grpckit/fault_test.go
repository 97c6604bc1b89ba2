package grpckit_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func TestMessagesOverTheLimit(t *testing.T) {
	large := func(n int) *echopb.Message { return &echopb.Message{Text: strings.Repeat("x", n)} }
	grow := func(_ context.Context, m *echopb.Message) (*echopb.Message, error) { return large(int(m.GetN())), nil }
	const limit = 10_000
	for _, tt := range []struct {
		name   string
		client func() *grpc.ClientConn
	}{
		{"ours, set", func() *grpc.ClientConn {
			return dial(t, serve(t, grpckit.NewServer(grpckit.MaxReceive(limit)), &echo{say: grow}), grpckit.ClientMaxReceive(limit))
		}},
		{"a plain client", func() *grpc.ClientConn {
			return dialPlain(t, serve(t, grpckit.NewServer(grpckit.MaxReceive(limit)), &echo{say: grow}),
				grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(limit)))
		}},
		{"a plain server", func() *grpc.ClientConn {
			return dial(t, serve(t, grpc.NewServer(grpc.MaxRecvMsgSize(limit)), &echo{say: grow}), grpckit.ClientMaxReceive(limit))
		}},
	} {
		client := echopb.NewEchoClient(tt.client())
		for _, m := range []*echopb.Message{large(limit + 1), {N: limit + 1}} {
			_, err := client.Say(within(t), m)
			if grpcCode(err) != endpoint.ResourceExhausted || !strings.Contains(err.Error(), "larger than max") {
				t.Errorf("%s: the error is %v", tt.name, err)
			}
		}
		for _, m := range []*echopb.Message{large(limit - 100), {N: limit - 100}} {
			if _, err := client.Say(within(t), m); err != nil {
				t.Errorf("%s: afterwards: %v", tt.name, err)
			}
		}
	}
	// The default is the one that is documented.
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), &echo{say: grow})))
	for n, ok := range map[int64]bool{grpckit.DefaultMaxMessage - 100: true, grpckit.DefaultMaxMessage + 1: false} {
		if _, err := client.Say(within(t), &echopb.Message{N: n}); (err == nil) != ok {
			t.Errorf("%d bytes come back: %v", n, err)
		}
		if _, err := client.Say(within(t), large(int(n))); (err == nil) != ok {
			t.Errorf("%d bytes go out: %v", n, err)
		}
	}
}

// stalled forwards connections to addr until it is told to forward no more.
func stalled(t *testing.T, addr string) (front string, stall func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var stopped atomic.Bool
	over := make(chan struct{})
	t.Cleanup(func() { close(over); _ = l.Close() })
	pass := func(to, from net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := from.Read(buf)
			if stopped.Load() {
				<-over
			}
			if err != nil {
				_ = to.Close()
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				_ = in.Close()
				continue
			}
			go pass(out, in)
			go pass(in, out)
		}
	}()
	return l.Addr().String(), func() { stopped.Store(true) }
}

func TestAServerThatStopsReading(t *testing.T) {
	front, stall := stalled(t, serve(t, grpckit.NewServer(), &echo{say: repeat, chat: repeatAll}))
	client := echopb.NewEchoClient(dial(t, front))
	if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	stall()
	ctx, cancel := context.WithTimeout(t.Context(), arrives)
	defer cancel()
	_, err := client.Say(ctx, &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded || endpoint.IsNotProcessed(err) {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s, err := client.Chat(ctx)
	for err == nil { // until the window of flow control is full, and the time is over
		err = s.Send(&echopb.Message{Text: strings.Repeat("x", 10_000)})
	}
	if err == io.EOF {
		_, err = s.Recv()
	}
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded {
		t.Errorf("the error of the stream is %v", err)
	}
}

// A server that accepts and says nothing is no connection: a call that waits for one
// was not processed.
func TestAServerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = echopb.NewEchoClient(dial(t, l.Addr().String())).Say(ctx, &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded || !endpoint.IsNotProcessed(err) {
		t.Errorf("the error is %v", err)
	}
}

// A client that stops reading holds up its own stream and nobody else's, and no
// longer than its deadline.
func TestAClientThatStopsReading(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, grpckit.NewServer(), &echo{say: repeat, list: func(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
		for {
			if err := s.Send(&echopb.Message{Text: strings.Repeat("x", 10_000)}); err != nil {
				ended <- err
				return err
			}
		}
	}})
	client := echopb.NewEchoClient(dialPlain(t, addr))
	if _, err := client.Say(within(t), &echopb.Message{}); err != nil { // so that its time goes to no dial
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), arrives)
	defer cancel()
	if _, err := client.List(ctx, &echopb.Message{}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
			t.Errorf("another call on the connection: %v", err)
		}
	}
	if err := <-ended; err == nil {
		t.Error("it has all been sent")
	}
}
