package grpckit_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// An attempt is one in logs and spans, also if there is a balancer round the connection,
// which notes it as well.
func TestAnAttemptIsNotedOnce(t *testing.T) {
	f := newFleet(t, 1)
	in := f.members[0]
	clients := sd.NewEndpointer(f.registry.Instancer("echo"), grpckit.Dialer(echopb.NewEchoClient))
	defer clients.Close()
	if err := clients.Ready(within(t)); err != nil {
		t.Fatal(err)
	}
	for name, say := range map[string]func() (*call.Record, error){
		"Dialer": func() (*call.Record, error) {
			ctx, record := call.Observe(within(t))
			e := lb.Endpoint(lb.New(clients, lb.RoundRobin()), grpckit.Method(echopb.EchoClient.Say))
			_, err := e(ctx, &echopb.Message{})
			return record, err
		},
		"NewClient": func() (*call.Record, error) {
			ctx, record := call.Observe(within(t))
			_, err := echopb.NewEchoClient(dial(t, in.Addr)).Say(ctx, &echopb.Message{})
			return record, err
		},
		"NewBalancedClient": func() (*call.Record, error) {
			ctx, record := call.Observe(within(t))
			_, err := echopb.NewEchoClient(f.client(lb.RoundRobin())).Say(ctx, &echopb.Message{})
			return record, err
		},
	} {
		record, err := say()
		if err != nil || record.Attempts() != 1 || record.Instance() == "" || record.Address() != in.Addr {
			t.Errorf("%s: %v, %d attempts, at last at %q, %q", name, err, record.Attempts(), record.Instance(), record.Address())
		}
	}
}

// Who waits for a connection has made no attempt, whoever observes: the caller, or an
// interceptor of the user's.
func TestAWaitIsNoAttempt(t *testing.T) {
	r := newRig(t, lb.RoundRobin(), "a")
	r.meet("a", errHangs)
	r.lose("a")
	outside, caller := call.Observe(t.Context())
	outside, err := grpckit.Begun(outside)
	inside, err2 := grpckit.Begun(t.Context(), grpckit.DialOptions(grpc.WithUserAgent("x")))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	inside, interceptor := call.Observe(inside)
	for record, ctx := range map[*call.Record]context.Context{caller: outside, interceptor: inside} {
		for range 3 {
			if _, err := r.pick(ctx); !errors.Is(err, balancer.ErrNoSubConnAvailable) {
				t.Fatalf("the pick returned %v", err)
			}
		}
		if n := record.Attempts(); n != 0 {
			t.Errorf("there were %d attempts", n)
		}
	}
}
