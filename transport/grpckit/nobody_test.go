package grpckit_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

func TestNobodyLiveFailsAtOnce(t *testing.T) {
	registry := memory.NewRegistry()
	if err := registry.Set("echo"); err != nil {
		t.Fatal(err)
	}
	conn, err := grpckit.NewBalancedClient("echo", registry.Instancer("echo"), lb.Random())
	client := echopb.NewEchoClient(opened(t, conn, err))
	check := func(what string) {
		t.Helper()
		_, err := client.Say(within(t), &echopb.Message{})
		e, ok := errors.AsType[*endpoint.Error](err)
		if !ok || e.Code != endpoint.Unavailable || !e.NotProcessed || !e.Local || !e.Outgoing || !errors.Is(err, lb.ErrNoInstance) {
			t.Errorf("%s: the error is %#v: %v", what, err, err)
		}
	}
	check("the set is empty")
	if err := registry.Set("echo", sd.Instance{Addr: "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	check("nobody listens")
	if _, err := client.Chat(within(t)); !errors.Is(err, lb.ErrNoInstance) {
		t.Errorf("the error of a stream is %v", err)
	}

	// Who is patient waits until somebody joins.
	answered := make(chan error)
	go func() {
		_, err := client.Say(within(t), &echopb.Message{}, grpc.WaitForReady(true))
		answered <- err
	}()
	f := newFleet(t, 1)
	if err := registry.Set("echo", f.members[0].Instance); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestCallsWaitForTheFirstSet(t *testing.T) {
	f := newFleet(t, 1)
	release := make(chan struct{})
	late := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			select {
			case <-release:
				if yield(instances(f.members[0].Addr), nil) {
					<-ctx.Done()
				}
			case <-ctx.Done():
			}
		}
	})
	conn, err := grpckit.NewBalancedClient("echo", late, lb.Random())
	client := echopb.NewEchoClient(opened(t, conn, err))
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = client.Say(short, &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) || !endpoint.IsNotProcessed(err) {
		t.Errorf("before the first set the error is %v", err)
	}
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	calls.Wait()
}

// A registry that is out tells calls so, and one that speaks gRPC does not end those
// that wait.
func TestARegistryThatIsOut(t *testing.T) {
	f := newFleet(t, 1)
	release := make(chan struct{})
	out := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			if !yield(nil, status.Error(codes.PermissionDenied, "the registry refuses")) {
				return
			}
			select {
			case <-release:
				if yield(instances(f.members[0].Addr), nil) && yield(nil, errors.New("out again")) {
					<-ctx.Done()
				}
			case <-ctx.Done():
			}
		}
	})
	conn, err := grpckit.NewBalancedClient("echo", out, lb.Random())
	client := echopb.NewEchoClient(opened(t, conn, err))
	_, err = client.Say(within(t), &echopb.Message{})
	if endpoint.CodeOf(err) != endpoint.Unavailable || !strings.Contains(err.Error(), "the registry refuses") {
		t.Errorf("the error is %v", err)
	}
	answered := make(chan error)
	go func() {
		_, err := client.Say(within(t), &echopb.Message{}, grpc.WaitForReady(true))
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("who is patient does not wait: %v", err)
	case <-time.After(100 * time.Millisecond): // too short would only let a fault pass
	}
	close(release)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if _, err := client.Say(within(t), &echopb.Message{}); err != nil {
		t.Errorf("the last set does not stand: %v", err)
	}
}
