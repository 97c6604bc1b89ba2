package grpckit_test

import (
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// Whoever is told that an instance is out is told so when it leaves as the last one, too.
func TestOnEjectTellsOfTheLastThatLeave(t *testing.T) {
	var out atomic.Int64
	tell := lb.OnEject(func(_ lb.Ejection, is bool) {
		if is {
			out.Add(1)
		} else {
			out.Add(-1)
		}
	})
	r := newRig(t, lb.Eject(lb.RoundRobin(), lb.EjectTime(time.Hour, time.Hour), tell), "a", "b")
	for out.Load() == 0 {
		p, err := r.pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := balancer.DoneInfo{BytesSent: true, BytesReceived: true}
		if p.SubConn.(*rigged).id == "b" {
			done.Err = status.Error(codes.Unavailable, "broken")
		}
		p.Done(done)
	}
	r.publish(t)
	eventually(t, "it is told", func() bool {
		_, _ = r.try(t.Context())
		return out.Load() == 0
	})
}

// A retry whose strategy insists on what was tried goes to no instance that is ejected.
func TestARetryPassesOverWhoIsEjected(t *testing.T) {
	out := 0
	r := newRig(t, lb.Eject(lb.LeastRequest(), lb.EjectTime(time.Hour, time.Hour), lb.OnEject(func(lb.Ejection, bool) { out++ })),
		"a", "b", "c", "d")
	broken := status.Error(codes.Unavailable, "broken")
	var busy func(balancer.DoneInfo) // the call that is in flight on b
	for out < 2 || busy == nil {
		p, err := r.pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch id := p.SubConn.(*rigged).id; {
		case id > "b":
			p.Done(balancer.DoneInfo{BytesSent: true, Err: broken})
		case id == "b" && busy == nil:
			busy = p.Done
		default:
			p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
	}
	ctx := call.With(t.Context(), call.Attempt(2, []string{"a"}))
	for range 200 {
		if id, err := r.try(ctx); id != "b" || err != nil {
			t.Fatalf("it goes to %s: %v", id, err)
		}
	}
	busy(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
}

// Nor does a call whose strategy insists on one that has lost its connection, unless
// nobody else is connected.
func TestADetourPassesOverWhoIsEjected(t *testing.T) {
	out := 0
	r := newRig(t, lb.Eject(lb.LeastRequest(), lb.EjectTime(time.Hour, time.Hour), lb.OnEject(func(lb.Ejection, bool) { out++ })),
		"a", "b", "c")
	var busy func(balancer.DoneInfo) // the call that is in flight on b
	for out < 1 || busy == nil {
		p, err := r.pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch id := p.SubConn.(*rigged).id; {
		case id == "a":
			p.Done(balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.Unavailable, "broken")})
		case id == "b" && busy == nil:
			busy = p.Done
		default:
			p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
	}
	lose := func(id string) {
		r.meet(id, errHangs)
		r.lose(id)
	}
	lose("c")
	for range 200 {
		if id, err := r.try(t.Context()); id != "b" || err != nil {
			t.Fatalf("it goes to %s: %v", id, err)
		}
	}
	lose("b")
	if id, err := r.try(t.Context()); id != "a" || err != nil {
		t.Errorf("it goes to %s: %v", id, err)
	}
	busy(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
}
