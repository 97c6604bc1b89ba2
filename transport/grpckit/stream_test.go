package grpckit_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

var errStream = &endpoint.Error{Code: endpoint.OutOfRange, Message: "no more", Reason: "NO_MORE"}

// count yields as many messages as it is asked for, and the error after thirteen.
func count(n int64) iter.Seq2[*echopb.Message, error] {
	return func(yield func(*echopb.Message, error) bool) {
		for i := range n {
			if i == 13 {
				yield(nil, errStream)
				return
			}
			if !yield(&echopb.Message{N: i}, nil) {
				return
			}
		}
	}
}

func counting(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
	return grpckit.Send(s, count(m.GetN()))
}

func TestAnAnswerThatIsAStream(t *testing.T) {
	ended := make(chan struct{}, 1)
	addr := serve(t, grpckit.NewServer(), &echo{list: func(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
		if m.GetText() == "endless" {
			defer func() { ended <- struct{}{} }()
			for s.Send(m) == nil {
			}
			return s.Context().Err()
		}
		return counting(m, s)
	}})
	list := grpckit.NewStreamEndpoint(echopb.NewEchoClient(dial(t, addr)).List)
	for _, tt := range []struct {
		ask, got int64
		err      error
	}{{0, 0, nil}, {5, 5, nil}, {13, 13, nil}, {20, 13, errStream}} {
		items, err := list(within(t), &echopb.Message{N: tt.ask})
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		var last error
		for m, err := range items {
			if last != nil {
				t.Error("there is something after the error")
			}
			if last = err; err == nil {
				if m.GetN() != got {
					t.Errorf("item %d is %d", got, m.GetN())
				}
				got++
			}
		}
		if got != tt.got || !errors.Is(last, tt.err) {
			t.Errorf("of %d came %d and %v", tt.ask, got, last)
		}
	}
	// Breaking off ends the call at the server.
	items, err := list(t.Context(), &echopb.Message{Text: "endless"})
	if err != nil {
		t.Fatal(err)
	}
	for range items {
		break
	}
	<-ended
}

func TestRequestsThatAreAStream(t *testing.T) {
	addr := serve(t, grpckit.NewServer(), &echo{gather: func(s grpc.ClientStreamingServer[echopb.Message, echopb.Message]) error {
		var sum int64
		for m, err := range grpckit.Messages(s) {
			if err != nil {
				return err
			}
			if sum += m.GetN(); sum > 1000 {
				return errStream
			}
		}
		return s.SendAndClose(&echopb.Message{N: sum})
	}})
	client := echopb.NewEchoClient(dial(t, addr))
	s, err := client.Gather(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := grpckit.Send(s, count(5)); err != nil {
		t.Fatal(err)
	}
	if m, err := s.CloseAndRecv(); err != nil || m.GetN() != 10 {
		t.Errorf("%v, %v", m, err)
	}
	s, err = client.Gather(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for s.Send(&echopb.Message{N: 100}) == nil {
	}
	if _, err := s.CloseAndRecv(); !errors.Is(err, errStream) {
		t.Errorf("the error is %v", err)
	}
	// What the sequence itself fails with stops the sending.
	s, err = client.Gather(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := grpckit.Send(s, count(20)); err != errStream {
		t.Errorf("the error is %v", err)
	}
}

func TestStreamsAreLogged(t *testing.T) {
	var p page
	addr := serve(t, grpckit.NewServer(grpckit.LogStreams(p.logger())), &echo{list: counting})
	list := grpckit.NewStreamEndpoint(echopb.NewEchoClient(dial(t, addr)).List)
	items, err := list(call.With(within(t), call.RequestID("request-7")), &echopb.Message{N: 20})
	if err != nil {
		t.Fatal(err)
	}
	for range items {
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(p.String(), "request-7") })
	for _, want := range []string{"/dowel.grpckit.test.Echo/List", "out_of_range", "127.0.0.1:"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, &p)
		}
	}
}

// Streams are balanced as calls are, and count as in flight until their end.
func TestStreamsAreBalanced(t *testing.T) {
	f := newFleet(t, 2)
	conn := f.client(lb.LeastRequest())
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	homes := make(map[string]int)
	for range 20 {
		s, err := client.Chat(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := exchange(homed{BidiStreamingClient: s}, 1); err != nil {
			t.Fatal(err)
		}
		homes[peerOf(t, s)]++
	}
	for home, n := range homes {
		if n != 10 { // of two, the one with fewer is always picked
			t.Errorf("%s has %d of 20", home, n)
		}
	}
}

// gRPC repeats a stream that has not answered yet, if the service config says so.
func TestGRPCRepeatsStreams(t *testing.T) {
	attempts := 0
	addr := serve(t, grpckit.NewServer(), &echo{list: func(m *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
		if attempts++; attempts < 3 {
			return &endpoint.Error{Code: endpoint.Unavailable}
		}
		return counting(m, s)
	}})
	conn := dial(t, addr, grpckit.ServiceConfig(`{"methodConfig": [{"name": [{"service": "dowel.grpckit.test.Echo"}],
		"retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.001s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
			"retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	items, err := grpckit.NewStreamEndpoint(echopb.NewEchoClient(conn).List)(within(t), &echopb.Message{N: 3})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 || attempts != 3 {
		t.Errorf("%d items in %d attempts", n, attempts)
	}
}

func TestAStreamThatEndsWithItsContext(t *testing.T) {
	client := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), &echo{chat: repeatAll})))
	ctx, cancel := context.WithCancel(t.Context())
	s, err := client.Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
