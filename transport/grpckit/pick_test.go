package grpckit_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// What the picks of a call say of how far it got, and who it was that failed.
func TestHowFarACallGot(t *testing.T) {
	sent := balancer.DoneInfo{BytesSent: true, BytesReceived: true}
	broken := balancer.DoneInfo{BytesSent: true, Err: status.Error(codes.Unavailable, "broken")}
	r := newRig(t, lb.RoundRobin(), "a")
	none := newRig(t, lb.RoundRobin())
	conn := dial(t, "127.0.0.1:1")
	for _, tt := range []struct {
		name         string
		attempts     func(ctx context.Context)
		notProcessed bool
		instance     string
	}{
		{"nobody was asked", func(context.Context) {}, false, ""},
		{"nobody is there", func(ctx context.Context) { _, _ = none.pick(ctx) }, true, ""},
		{"not sent", r.tries(t, balancer.DoneInfo{}), true, "a"},
		{"not sent, twice", r.tries(t, balancer.DoneInfo{}, balancer.DoneInfo{}), true, "a"},
		{"on its way", r.flies(t), false, "a"},
		{"not sent, then on its way", r.flies(t, balancer.DoneInfo{}), false, "a"},
		{"not sent twice, then on its way", r.flies(t, balancer.DoneInfo{}, balancer.DoneInfo{}), false, "a"},
		{"not sent, then answered", r.tries(t, balancer.DoneInfo{}, sent), false, "a"},
		{"not sent, then answered in another context", func(ctx context.Context) {
			first, cancel := context.WithCancel(ctx)
			r.tries(t, balancer.DoneInfo{})(first)
			cancel()
			r.tries(t, sent)(ctx)
		}, false, "a"},
		{"answered", r.tries(t, sent), false, "a"},
		{"answered, then not sent", r.tries(t, sent, balancer.DoneInfo{}), false, "a"}, // grpc-go tells some failures so
		{"on its way, and not sent beside it", func(ctx context.Context) {
			r.flies(t)(ctx)
			r.tries(t, balancer.DoneInfo{})(ctx)
		}, false, "a"},
		{"sent", r.tries(t, broken), false, "a"},
		{"sent, then not", r.tries(t, broken, balancer.DoneInfo{}), false, "a"},
		{"not sent, then sent, then not", r.tries(t, balancer.DoneInfo{}, broken, balancer.DoneInfo{}), false, "a"},
		{"sent, then nobody is there", func(ctx context.Context) {
			r.tries(t, broken)(ctx)
			_, _ = none.pick(ctx)
		}, false, "a"},
	} {
		err := grpckit.UnaryClientInterceptor()(t.Context(), "/s/m", nil, nil, conn,
			func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				tt.attempts(ctx)
				return status.Error(codes.DataLoss, "in the end")
			})
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok || e.NotProcessed != tt.notProcessed || e.Instance != tt.instance {
			t.Errorf("%s: %+v", tt.name, e)
		}
	}
}

// tries makes attempts that end so.
func (r *rig) tries(t testing.TB, ends ...balancer.DoneInfo) func(context.Context) {
	return func(ctx context.Context) {
		for _, end := range ends {
			p, err := r.pick(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			p.Done(end)
		}
	}
}

// flies makes one more attempt, which does not end before the test does.
func (r *rig) flies(t testing.TB, ends ...balancer.DoneInfo) func(context.Context) {
	return func(ctx context.Context) {
		r.tries(t, ends...)(ctx)
		p, err := r.pick(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { p.Done(balancer.DoneInfo{}) })
	}
}

// Neither pick nor the end of one that succeeds allocates.
func TestPickAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector keeps pools from doing their work")
	}
	ctx := call.With(t.Context(), call.RequestID("id"))
	for name, strategy := range map[string]lb.Strategy{
		"round robin": lb.RoundRobin(), "least request": lb.LeastRequest(), "Peak EWMA": lb.PeakEWMA(),
	} {
		r := newRig(t, strategy, "a", "b", "c")
		if n := testing.AllocsPerRun(2000, func() { r.tries(t, balancer.DoneInfo{BytesSent: true, BytesReceived: true})(ctx) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Attempts are used again, and none ends another's: the strategy sees exactly the calls
// that are in flight.
func TestPicksConcurrentSafe(t *testing.T) {
	r := newRig(t, lb.LeastRequest(), "a", "b")
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 200 {
				first, err1 := r.pick(t.Context())
				second, err2 := r.pick(t.Context())
				if err1 != nil || err2 != nil {
					t.Error(err1, err2)
					return
				}
				first.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
				second.Done(balancer.DoneInfo{})
			}
		})
	}
	running.Wait()
	// One that is idle is picked at once, so that with one call in flight the next goes to the other.
	for range 20 {
		first, _ := r.pick(t.Context())
		second, _ := r.pick(t.Context())
		if first.SubConn == second.SubConn {
			t.Error("both calls go to the same instance")
		}
		first.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		second.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
	}
}
