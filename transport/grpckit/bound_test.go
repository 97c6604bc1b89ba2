package grpckit_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// Neither side takes any amount of metadata. What is too much ends that call and no other.
func TestMetadataIsBounded(t *testing.T) {
	text := func(kilobytes int64) string { return strings.Repeat("x", int(kilobytes)<<10) }
	talk := func(ctx context.Context, m *echopb.Message) (*echopb.Message, error) {
		return m, grpc.SetHeader(ctx, metadata.Pairs("long", text(m.GetN())))
	}
	ours := echopb.NewEchoClient(dial(t, serve(t, grpckit.NewServer(), &echo{say: talk})))
	plainServer := echopb.NewEchoClient(dial(t, serve(t, grpc.NewServer(), &echo{say: talk})))
	plainClient := echopb.NewEchoClient(dialPlain(t, serve(t, grpckit.NewServer(), &echo{say: talk})))
	for _, tt := range []struct {
		name      string
		client    echopb.EchoClient
		out, back int64
		ok        bool
	}{
		{"both ours", ours, 60, 250, true},
		{"much goes out", ours, 65, 0, false},
		{"much comes back", ours, 0, 257, false},
		{"much comes from a plain client", plainClient, 65, 0, false},
		{"much comes from a plain server", plainServer, 0, 257, false},
		{"it fits for plain ends", plainServer, 100, 250, true},
	} {
		ctx := metadata.AppendToOutgoingContext(within(t), "long", text(tt.out))
		if _, err := tt.client.Say(ctx, &echopb.Message{N: tt.back}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := tt.client.Say(within(t), &echopb.Message{}); err != nil {
			t.Errorf("%s, afterwards: %v", tt.name, err)
		}
	}
}

// A connection that nobody uses knows its instances still.
func TestAConnectionDoesNotFallAsleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, wire := newWiredFleet(t, 2)
		conn := f.client(lb.RoundRobin(), wire.option())
		defer conn.Close()
		time.Sleep(2 * time.Hour)
		if s := conn.GetState(); s != connectivity.Ready {
			t.Errorf("it is %v", s)
		}
	})
}
