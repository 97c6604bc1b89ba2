package grpckit_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// Three instances; one is killed and one joins during 10,000 calls and 100 open
// streams: no call fails, and no stream on an instance that lives is touched.
func TestKillAndJoinDuringCallsAndStreams(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.Eject(lb.PeakEWMA()))
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	// What was in flight on the one that is killed may have been processed, so that
	// only who may be repeated survives it.
	say := lb.Retry(grpckit.NewEndpoint(client.Say), lb.Idempotent(), lb.MaxAttempts(4),
		lb.RetryBudget(lb.NewBudget(lb.BudgetBurst(1000))))

	streams := openStreams(t, client)
	victim := f.members[0]
	var made atomic.Int64
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for n := made.Add(1); n <= manyCalls; n = made.Add(1) {
				switch n {
				case manyCalls / 3:
					_ = victim.Close() // and the registry does not know
				case manyCalls / 2:
					f.join()
				}
				if m, err := say(t.Context(), &echopb.Message{N: n}); err != nil || m.GetN() != n+1 {
					t.Errorf("call %d: %v, %v", n, m, err)
				}
			}
		})
	}
	running.Wait()

	lost := 0
	for i, s := range streams {
		err := exchange(s, int64(i))
		switch {
		case err == nil:
		case s.home == victim.Addr:
			lost++
			if endpoint.CodeOf(err) != endpoint.Unavailable {
				t.Errorf("stream %d on the one that was killed: %v", i, err)
			}
		default:
			t.Errorf("stream %d on %s: %v", i, s.home, err)
		}
	}
	if lost == 0 || lost == len(streams) {
		t.Errorf("%d of %d streams were on the one that was killed", lost, len(streams))
	}
	newcomer := f.members[3]
	eventually(t, "the newcomer is called", func() bool {
		_, err := say(t.Context(), &echopb.Message{})
		return err == nil && newcomer.calls.Load() > 0
	})
}

const (
	manyCalls   = 10_000
	manyStreams = 100
)

// homed is a stream and the address of its server.
type homed struct {
	grpc.BidiStreamingClient[echopb.Message, echopb.Message]
	home string
}

func openStreams(t *testing.T, client echopb.EchoClient) (all []homed) {
	t.Helper()
	for i := range manyStreams {
		s, err := client.Chat(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h := homed{BidiStreamingClient: s}
		if err := exchange(h, int64(i)); err != nil {
			t.Fatal(err)
		}
		h.home = peerOf(t, s)
		all = append(all, h)
	}
	return all
}

func exchange(s homed, n int64) error {
	_ = s.Send(&echopb.Message{N: n}) // an error is received
	_, err := s.Recv()
	return err
}

// A fleet is replaced one by one, gracefully: nothing fails, and nothing is repeated.
func TestARollingRestartFailsNothing(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.RoundRobin())
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := client.Say(t.Context(), &echopb.Message{}); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	for range 3 {
		old := f.members[0]
		joined := f.join()
		f.members = f.members[1:]
		f.publish(f.members...)
		ctx := within(t)
		if err := old.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		eventually(t, "the new one is called", func() bool { return joined.calls.Load() > 0 })
	}
	close(stop)
	callers.Wait()
}

// Even one that stops before the registry knows costs nothing: what was not begun
// goes elsewhere.
func TestAGracefulStopFailsNothing(t *testing.T) {
	f := newFleet(t, 2)
	conn := f.client(lb.RoundRobin())
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	var made atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for made.Add(1) <= 2000 {
				if _, err := client.Say(t.Context(), &echopb.Message{}); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	eventually(t, "calls are made", func() bool { return made.Load() > 200 })
	if err := f.members[0].Shutdown(within(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	callers.Wait()
}
