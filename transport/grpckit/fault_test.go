package grpckit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

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

// garbage is a codec that sends what is no message.
type garbage struct{ encoding.CodecV2 }

func (garbage) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer("\x08")}, nil
}
func (garbage) Unmarshal(mem.BufferSlice, any) error { return nil }
func (garbage) Name() string                         { return "proto" }

func TestAMalformedMessage(t *testing.T) {
	addr := serve(t, grpckit.NewServer(), &echo{say: repeat, chat: repeatAll})
	client := echopb.NewEchoClient(dial(t, addr))
	_, err := client.Say(within(t), &echopb.Message{}, grpc.ForceCodecV2(garbage{}))
	if endpoint.CodeOf(err) != endpoint.Internal || !strings.Contains(err.Error(), "unmarshal") {
		t.Errorf("the error is %v", err)
	}
	s, err := client.Chat(within(t), grpc.ForceCodecV2(garbage{}))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&echopb.Message{})
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.Internal {
		t.Errorf("the error of the stream is %v", err)
	}
	if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAMalformedFrame(t *testing.T) {
	const preface, settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	t.Run("to our server", func(t *testing.T) {
		addr := serve(t, grpckit.NewServer(), &echo{say: repeat})
		client := echopb.NewEchoClient(dial(t, addr))
		for _, text := range []string{
			"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
			preface + "this is no frame at all",
			preface + settings + "\x00\x00\x05\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff\xff", // HEADERS
			preface + settings + "\x00\x00\x01\x00\x00\x00\x00\x00\x07x",                    // DATA of no stream
		} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			// One that is too long is waited for, for as long as a handshake may take, and
			// the last is an error of a stream alone.
			if !strings.HasSuffix(text, "at all") && !strings.HasSuffix(text, "x") {
				_ = conn.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the connection stays open after %q", text)
				}
			}
			if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
				t.Errorf("others are told %v", err)
			}
		}
	})
	t.Run("to our client", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, settings)
				// A connection that breaks sooner is one that calls go on to wait for.
				if readRequest(conn) == nil {
					_, _ = io.WriteString(conn, "this is no frame at all")
				}
			}
		}()
		_, err = echopb.NewEchoClient(dial(t, l.Addr().String())).Say(within(t), &echopb.Message{})
		if endpoint.CodeOf(err) != endpoint.Unavailable {
			t.Errorf("the error is %v", err)
		}
	})
}

// A server whose connections stand and break at once lets no call wait for the next.
func TestAServerThatBreaksEveryConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "\x00\x00\x00\x04\x00\x00\x00\x00\x00this is no frame at all")
		}
	}()
	_, err = echopb.NewEchoClient(dial(t, l.Addr().String())).Say(within(t), &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.Unavailable {
		t.Errorf("the error is %v", err)
	}
}

// readRequest reads what a client of HTTP/2 sends, up to the headers of a request.
func readRequest(conn net.Conn) error {
	const preface, headers = 24, 1
	_, err := io.CopyN(io.Discard, conn, preface)
	for frame := make([]byte, 9); err == nil; { // its length in three bytes, and its type
		if _, err = io.ReadFull(conn, frame); err == nil {
			_, err = io.CopyN(io.Discard, conn, int64(frame[0])<<16|int64(frame[1])<<8|int64(frame[2]))
		}
		if err == nil && frame[3] == headers {
			return nil
		}
	}
	return err
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
