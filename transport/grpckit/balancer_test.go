package grpckit_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func TestEveryStrategyBalances(t *testing.T) {
	f := newFleet(t, 3)
	for name, s := range map[string]lb.Strategy{
		"random": lb.Random(), "round robin": lb.RoundRobin(), "weighted": lb.WeightedRoundRobin(),
		"least request": lb.LeastRequest(), "peak": lb.PeakEWMA(), "hash": lb.ConsistentHash(),
		"ejecting": lb.Eject(lb.PeakEWMA()), "slow start": lb.SlowStart(lb.LeastRequest()), "zone": lb.Zone("a", lb.Random()),
	} {
		t.Run(name, func(t *testing.T) {
			conn := f.client(s)
			defer conn.Close()
			f.answers(conn, f.members...)
		})
	}
}

func TestRoundRobinIsEven(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.RoundRobin())
	f.answers(conn, f.members...)
	client, before := echopb.NewEchoClient(conn), make(map[*member]int64)
	for _, m := range f.members {
		before[m] = m.calls.Load()
	}
	for range 30 {
		if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range f.members {
		if n := m.calls.Load() - before[m]; n != 10 {
			t.Errorf("%s got %d calls of 30", m.Addr, n)
		}
		if n := m.accepted.Load(); n != 1 {
			t.Errorf("%s accepted %d connections", m.Addr, n)
		}
	}
}

func TestAKeyStaysOnItsInstance(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.ConsistentHash())
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	homes := make(map[string]bool)
	for n := range 60 { // so many that each instance has some, whatever its port
		key := strconv.Itoa(n)
		ctx := call.With(within(t), call.Key(key))
		home := ""
		for range 5 {
			m, err := client.Say(ctx, &echopb.Message{})
			if err != nil {
				t.Fatal(err)
			}
			if home != "" && home != m.GetText() {
				t.Fatalf("key %s moved from %s to %s", key, home, m.GetText())
			}
			home = m.GetText()
		}
		homes[home] = true
	}
	if len(homes) != 3 {
		t.Errorf("all keys are at %v", homes)
	}
}

func TestAnErrorNamesItsInstanceAndRetryAvoidsIt(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.RoundRobin())
	f.answers(conn, f.members...)
	bad := error(&endpoint.Error{Code: endpoint.Unavailable})
	f.members[1].fail.Store(&bad)
	say := grpckit.NewEndpoint(echopb.NewEchoClient(conn).Say)
	failures := 0
	for range 9 {
		_, err := say(within(t), &echopb.Message{})
		if e, ok := errors.AsType[*endpoint.Error](err); ok {
			failures++
			if e.Instance != f.members[1].ID {
				t.Errorf("the instance is %q: %v", e.Instance, err)
			}
		}
	}
	if failures != 3 {
		t.Errorf("%d calls of 9 failed", failures)
	}
	again := lb.Retry(say, lb.Idempotent(), lb.MaxAttempts(2))
	for range 9 {
		ctx, record := call.Observe(within(t))
		m, err := again(ctx, &echopb.Message{})
		if err != nil || m.GetText() == f.members[1].Addr {
			t.Fatalf("%v, %v", m, err)
		}
		if n := record.Attempts(); n < 1 || n > 2 || record.Instance() != m.GetText() {
			t.Errorf("the record has %d attempts, at last at %s, answered by %s", n, record.Instance(), m.GetText())
		}
	}
}

func TestAnInstanceThatFailsIsEjected(t *testing.T) {
	f := newFleet(t, 3)
	conn := f.client(lb.Eject(lb.RoundRobin(), lb.EjectFaults(5), lb.EjectTime(time.Hour, time.Hour)))
	f.answers(conn, f.members...)
	client, before := echopb.NewEchoClient(conn), f.members[0].calls.Load()
	bad := error(&endpoint.Error{Code: endpoint.Internal})
	f.members[0].fail.Store(&bad)
	for range 60 {
		_, _ = client.Say(within(t), &echopb.Message{})
	}
	if n := f.members[0].calls.Load() - before; n != 5 {
		t.Errorf("it got %d calls", n)
	}
}

// Errors that the request deserves, and those of callers that give up, eject nobody.
func TestOnlyFaultsCountAgainstAnInstance(t *testing.T) {
	f := newFleet(t, 2)
	out := 0
	strategy := lb.Eject(lb.RoundRobin(), lb.EjectFaults(3), lb.EjectTime(time.Hour, time.Hour), lb.OnEject(func(lb.Ejection, bool) { out++ }))
	conn := f.client(strategy)
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	for _, code := range []endpoint.Code{endpoint.NotFound, endpoint.ResourceExhausted, endpoint.Canceled} {
		err := error(&endpoint.Error{Code: code})
		f.members[0].fail.Store(&err)
		for range 20 {
			_, _ = client.Say(within(t), &echopb.Message{})
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, _ = client.Say(over, &echopb.Message{})
	}
	if out > 0 {
		t.Errorf("%d ejections", out)
	}
	fault := error(&endpoint.Error{Code: endpoint.Unavailable})
	f.members[0].fail.Store(&fault)
	for range 20 {
		_, _ = client.Say(within(t), &echopb.Message{})
	}
	if out != 1 {
		t.Errorf("%d ejections for faults", out)
	}
}

func TestWhoLeavesKeepsItsStreams(t *testing.T) {
	f := newFleet(t, 2)
	conn := f.client(lb.RoundRobin())
	f.answers(conn, f.members...)
	client := echopb.NewEchoClient(conn)
	var streams []grpc.BidiStreamingClient[echopb.Message, echopb.Message]
	for range 4 {
		s, err := client.Chat(within(t))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	f.publish(f.members[1])
	f.answers(conn, f.members[1])
	for i, s := range streams {
		if err := s.Send(&echopb.Message{N: int64(i)}); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Recv(); err != nil || m.GetN() != int64(i) {
			t.Errorf("stream %d: %v, %v", i, m, err)
		}
		_ = s.CloseSend()
		if err := drain(s); err != nil {
			t.Errorf("stream %d ends with %v", i, err)
		}
	}
	joined := f.join()
	f.answers(conn, f.members[0], f.members[1], joined)
}

func TestAChangeOfWeightKeepsTheConnection(t *testing.T) {
	f := newFleet(t, 2)
	conn := f.client(lb.WeightedRoundRobin())
	f.answers(conn, f.members...)
	f.members[0].Weight, f.members[0].Meta = 9, map[string]string{"version": "2"}
	f.publish(f.members...)
	client := echopb.NewEchoClient(conn)
	eventually(t, "the heavy one gets nine in ten", func() bool {
		before := f.members[0].calls.Load()
		for range 20 {
			if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
				t.Fatal(err)
			}
		}
		return f.members[0].calls.Load()-before == 18
	})
	for _, m := range f.members {
		if n := m.accepted.Load(); n != 1 {
			t.Errorf("%s accepted %d connections", m.Addr, n)
		}
	}
}
