package grpckit_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// Calls and streams of all kinds work with grpc-go's own at the other end.
func TestEveryKindOfCallWithPlainEnds(t *testing.T) {
	service := func() *echo {
		return &echo{say: repeat, list: counting, chat: repeatAll,
			gather: func(s grpc.ClientStreamingServer[echopb.Message, echopb.Message]) error {
				var n int64
				for m, err := range grpckit.Messages(s) {
					if err != nil {
						return err
					}
					n += m.GetN()
				}
				return s.SendAndClose(&echopb.Message{N: n})
			}}
	}
	for name, conn := range map[string]*grpc.ClientConn{
		"ours, ours":   dial(t, serve(t, grpckit.NewServer(), service())),
		"ours, plain":  dial(t, serve(t, grpc.NewServer(), service())),
		"plain, ours":  dialPlain(t, serve(t, grpckit.NewServer(), service())),
		"plain, plain": dialPlain(t, serve(t, grpc.NewServer(), service())),
	} {
		t.Run(name, func(t *testing.T) {
			client := echopb.NewEchoClient(conn)
			if m, err := client.Say(within(t), &echopb.Message{N: 5}); err != nil || m.GetN() != 5 {
				t.Errorf("Say: %v, %v", m, err)
			}
			list, err := client.List(within(t), &echopb.Message{N: 5})
			if err != nil || drain(list) != nil {
				t.Errorf("List: %v", err)
			}
			gather, err := client.Gather(within(t))
			if err != nil {
				t.Fatal(err)
			}
			for m := range count(5) {
				_ = gather.Send(m)
			}
			if m, err := gather.CloseAndRecv(); err != nil || m.GetN() != 10 {
				t.Errorf("Gather: %v, %v", m, err)
			}
			chat, err := client.Chat(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := exchange(homed{BidiStreamingClient: chat}, 1); err != nil {
				t.Errorf("Chat: %v", err)
			}
			_ = chat.CloseSend()
			if _, err := chat.Recv(); err != io.EOF {
				t.Errorf("Chat ends with %v", err)
			}
		})
	}
}

// A balanced connection needs nothing of ours at the servers: errors name the instance,
// faults are seen, and what was never sent is known.
func TestPlainServersAreBalanced(t *testing.T) {
	bad := status.Error(codes.Internal, "broken")
	good, broken := serve(t, grpc.NewServer(), &echo{say: repeat}), serve(t, grpc.NewServer(), failing(bad))
	f := newFleet(t, 0)
	f.publish(&member{Instance: *instances(good)[0]}, &member{Instance: *instances(broken)[0]})
	client := echopb.NewEchoClient(f.client(lb.Eject(lb.RoundRobin(), lb.EjectFaults(3))))
	row, failures := 0, 0
	eventually(t, "the broken one is asked, and then left out", func() bool {
		_, err := client.Say(within(t), &echopb.Message{})
		if row++; err != nil {
			row, failures = 0, failures+1
			if e, ok := errors.AsType[*endpoint.Error](err); !ok || e.Instance != broken || e.NotProcessed {
				t.Errorf("its error is %+v", err)
			}
		}
		return failures > 0 && row >= 10 // it may be connected later than the other one
	})
}

// A call that was sent and lost may have been processed.
func TestWhatWasSentMayHaveBeenProcessed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	echopb.RegisterEchoServer(server, &echo{chat: func(s grpc.BidiStreamingServer[echopb.Message, echopb.Message]) error {
		go server.Stop() // which cuts the connection
		<-s.Context().Done()
		return s.Context().Err()
	}})
	go func() { _ = server.Serve(l) }()
	s, err := echopb.NewEchoClient(dial(t, l.Addr().String())).Chat(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.Unavailable || endpoint.IsNotProcessed(err) {
		t.Errorf("the error is %v", err)
	}
}
