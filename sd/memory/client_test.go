package memory_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

func TestCutWithoutReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		client := registry.Client()
		client.Cut(memory.Replies)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range client.Instancer("s").Watch(ctx) {
			t.Error("a watch yields though no reply gets through")
		}
		registered := make(chan *sd.Registration)
		go func() { registered <- register(t, client.Registrar("s"), sd.Instance{ID: "x", Addr: "h:1"}) }()
		synctest.Wait()
		if got := ids(current(t, registry, "s")); got != "x" {
			t.Errorf("the registry holds %q; want x, for the request got through", got)
		}
		select {
		case <-registered:
			t.Error("Register returns though no reply gets through")
		default:
		}
		client.Heal()
		<-registered
	})
}

func TestCutWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		client := registry.Client()
		next := watch(t, client.Instancer("s"))
		want(t, next, "")
		r := register(t, client.Registrar("s", memory.TTL(ttl)), sd.Instance{ID: "x", Addr: "h:1"})
		want(t, next, "x")
		client.Cut(memory.Requests)
		want(t, next, "") // its lease runs out, and the news gets through
		time.Sleep(ttl)
		if state := r.State(); state.Registered {
			t.Errorf("no heartbeat gets through, and the state is %+v", state)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range client.Instancer("s").Watch(ctx) {
			t.Error("a new watch yields though its request is held back")
		}
		client.Heal()
		want(t, next, "x")
	})
}

func TestCutIsOfOneClient(t *testing.T) {
	registry := memory.NewRegistry()
	registry.Client().Cut(memory.Requests | memory.Replies)
	register(t, registry.Client().Registrar("s"), sd.Instance{ID: "x", Addr: "h:1"})
	if got := ids(current(t, registry, "s")); got != "x" {
		t.Errorf("another client sees %q", got)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		client := registry.Client()
		next, stop := iter.Pull2(client.Instancer("s").Watch(t.Context()))
		defer stop()
		next()
		client.Close()
		client.Close()
		if set, err, _ := next(); set != nil || !errors.Is(err, memory.ErrClosed) {
			t.Errorf("the watch yields %v, %v; want ErrClosed", set, err)
		}
		if _, err := client.Registrar("s").Register(t.Context(), sd.Instance{Addr: "h:1"}); !errors.Is(err, memory.ErrClosed) {
			t.Errorf("Register returns %v; want ErrClosed", err)
		}
	})
}

func TestMalform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry, one, two := memory.NewRegistry(), errors.New("one"), errors.New("two")
		faults := registry.Faults()
		next := watch(t, registry.Instancer("s"))
		want(t, next, "")
		register(t, registry.Registrar("s"), sd.Instance{ID: "x", Addr: "h:1"})
		want(t, next, "x")
		faults.Malform("s", "b", one)
		faults.Malform("s", "x", two)
		if set, err := next(); set != "" || !errors.Is(err, one) || !errors.Is(err, two) {
			t.Fatalf("the watch yields %q, %v; want both errors", set, err)
		}
		want(t, next, "")
		want(t, next, "x") // put back by its registrant
		if !faults.Delete("s", "b") || faults.Delete("s", "b") {
			t.Error("Delete does not say whether the malformed entry was there")
		}
		for set, err := range registry.Instancer("s").Watch(t.Context()) {
			if err != nil || ids(set) != "x" {
				t.Errorf("a new watch yields %v, %v; want x", set, err)
			}
			break
		}
		faults.Malform("s", "b", one)
		if _, err := next(); !errors.Is(err, one) {
			t.Errorf("the watch yields %v; want the error again, for the entry is new", err)
		}
		want(t, next, "x")
		faults.LoseData()
		want(t, next, "")
		want(t, next, "x")
		register(t, registry.Registrar("s"), sd.Instance{ID: "b", Addr: "h:1"})
		want(t, next, "b x") // and no word of what was at b
	})
}

func TestMalformNil(t *testing.T) {
	if panics(func() { memory.NewRegistry().Faults().Malform("s", "b", nil) }) == "" {
		t.Error("Malform takes nil")
	}
}

func TestClientConcurrentSafe(t *testing.T) {
	registry := memory.NewRegistry()
	client := registry.Client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var work, watches sync.WaitGroup
	for range 4 {
		watches.Go(func() {
			for range client.Instancer("s").Watch(ctx) {
			}
		})
		work.Go(func() {
			for range 20 {
				if r, err := client.Registrar("s").Register(ctx, sd.Instance{ID: "x", Addr: "h:1"}); err == nil {
					_ = r.Deregister(ctx)
				} else if !errors.Is(err, memory.ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for range 20 {
			client.Cut(memory.Requests)
			registry.Faults().Malform("s", "b", errDown)
			client.Cut(memory.Replies)
			client.Heal()
			registry.Faults().Delete("s", "b")
		}
		client.Close()
	})
	work.Wait()
	cancel()
	watches.Wait()
}
