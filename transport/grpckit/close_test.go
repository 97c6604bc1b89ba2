package grpckit_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func TestCloseLeavesNothingRunning(t *testing.T) {
	f := newFleet(t, 3)
	before := runtime.NumGoroutine()
	for range 5 {
		conn, err := grpckit.NewBalancedClient("echo", f.registry.Instancer("echo"), lb.PeakEWMA())
		if err != nil {
			t.Fatal(err)
		}
		f.answers(conn, f.members...)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = echopb.NewEchoClient(conn).Say(within(t), &echopb.Message{})
		if endpoint.CodeOf(err) != endpoint.Canceled {
			t.Errorf("after Close the error is %v", err)
		}
	}
	eventually(t, "the goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= before })
}

// Close cuts off what is in flight and waits for nobody.
func TestCloseWithAStreamInFlight(t *testing.T) {
	f := newFleet(t, 1)
	conn := f.client(lb.Random())
	s, err := echopb.NewEchoClient(conn).Chat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_ = conn.Close()
	if _, err := s.Recv(); endpoint.CodeOf(err) != endpoint.Canceled {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A connection may be closed at any moment of its beginning: a call on it is answered or
// canceled, and nothing is left running.
func TestCloseAtOnce(t *testing.T) {
	f := newFleet(t, 2)
	f.answers(f.client(lb.Random()), f.members...) // so that the fleet runs
	before := runtime.NumGoroutine()
	var calls sync.WaitGroup
	for i := range 100 {
		conn, err := grpckit.NewBalancedClient("echo", f.registry.Instancer("echo"), lb.Random())
		if err != nil {
			t.Fatal(err)
		}
		calls.Go(func() {
			_, err := echopb.NewEchoClient(conn).Say(within(t), &echopb.Message{})
			if code := endpoint.CodeOf(err); code != endpoint.OK && code != endpoint.Canceled {
				t.Errorf("the error is %v", err)
			}
		})
		for range i * i { // sooner and later
			runtime.Gosched()
		}
		if err := conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	calls.Wait()
	eventually(t, "the goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= before })
}
