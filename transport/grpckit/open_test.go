package grpckit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// An instance with open streams is not a slow one: it gets calls while they are open,
// also if there are few, and after they have ended.
func TestAnOpenStreamIsNoSlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, lb.PeakEWMA(), "a", "b")
		calls := func(n int, every time.Duration) map[string]int {
			served := map[string]int{}
			for range n {
				time.Sleep(every)
				p, err := r.pick(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
				p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
				served[p.SubConn.(*rigged).id]++
			}
			return served
		}
		check := func(when string, served map[string]int) {
			if served["a"] < 50 || served["b"] < 50 {
				t.Errorf("%s, %v of 200 calls were served", when, served)
			}
		}
		time.Sleep(time.Second)
		one, _ := r.pick(t.Context())
		two, _ := r.pick(t.Context()) // beside it, so that both are known from now on
		time.Sleep(time.Millisecond)
		one.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		two.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		check("before", calls(200, time.Second))
		streams := map[string][]balancer.PickResult{}
		for range 12 {
			p := r.stream(t)
			id := p.SubConn.(*rigged).id
			streams[id] = append(streams[id], p)
		}
		check("while streams are open", calls(200, time.Second))
		for _, p := range streams["b"] {
			p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
		for _, p := range streams["a"][3:] {
			p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
		served := calls(200, 100*time.Millisecond)
		if served["a"] == 0 || served["b"] < 50 {
			t.Errorf("after the streams of b, %v of 200 calls were served", served)
		}
		for _, p := range streams["a"][:3] {
			p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
		check("after the streams", calls(200, 100*time.Millisecond))
	})
}

// stream picks for a stream, and leaves it open.
func (r *rig) stream(t testing.TB) (p balancer.PickResult) {
	t.Helper()
	_, err := grpckit.StreamClientInterceptor()(t.Context(), &grpc.StreamDesc{}, nil, "/s/m",
		func(ctx context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			var err error
			p, err = r.pick(ctx)
			return nil, err
		})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
