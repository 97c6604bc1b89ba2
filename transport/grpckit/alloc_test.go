package grpckit_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// A unary call costs at most four allocations more than one of grpc-go alone, both
// ends and the pick together.
func TestUnaryAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and keeps pools from doing their work")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience/2) // which both send
	defer cancel()
	count := func(conn *grpc.ClientConn) float64 {
		client, m := echopb.NewEchoClient(conn), &echopb.Message{Text: "hello"}
		return testing.AllocsPerRun(2000, func() {
			if _, err := client.Say(ctx, m); err != nil {
				t.Fatal(err)
			}
		})
	}
	ours := count(dial(t, serve(t, grpckit.NewServer(), &echo{say: repeat})))
	bare := count(dialPlain(t, serve(t, grpc.NewServer(), &echo{say: repeat})))
	if ours > bare+4.5 { // pings of flow control come and go
		t.Errorf("%v allocations, grpc-go alone %v", ours, bare)
	}
}

func TestConnConcurrentSafe(t *testing.T) {
	f := newFleet(t, 2)
	conn := f.client(lb.LeastRequest())
	client := echopb.NewEchoClient(conn)
	var running sync.WaitGroup
	for g := range 8 {
		running.Go(func() {
			ctx := call.With(within(t), call.RequestID("id"))
			for range 50 {
				switch g {
				case 0:
					f.publish(f.members[0])
					f.publish(f.members...)
				case 1:
					if s, err := client.List(ctx, &echopb.Message{N: 3}); err != nil || drain(s) != nil {
						t.Errorf("a stream failed: %v", err)
					}
				default:
					if _, err := client.Say(ctx, &echopb.Message{}); endpoint.CodeOf(err) != endpoint.OK {
						t.Error(err)
					}
				}
			}
		})
	}
	running.Wait()
}
