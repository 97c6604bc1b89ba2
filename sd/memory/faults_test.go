package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

// ttl is longer than a registration that lost its registry ever waits to try again, 10 s.
const ttl = 30 * time.Second

func TestKilledRegistrantIsGoneAfterItsTTL(t *testing.T) {
	for _, c := range []struct {
		ttl, after time.Duration
		want       string
	}{
		{ttl, ttl - ttl/3 - 1, "x y"}, // its last heartbeat is at most a third old
		{ttl, ttl, "y"},
		{ttl, 24 * time.Hour, "y"},
		{0, 24 * time.Hour, "x y"},
	} {
		synctest.Test(t, func(t *testing.T) {
			registry := memory.NewRegistry()
			registrar := registry.Registrar("s", memory.TTL(c.ttl))
			dead := register(t, registrar, sd.Instance{ID: "x", Addr: "h:1"})
			register(t, registrar, sd.Instance{ID: "y", Addr: "h:2"})
			time.Sleep(time.Hour + ttl/6)
			if !registry.Faults().Kill("s", "x") {
				t.Fatal("there was nobody to kill")
			}
			if registry.Faults().Kill("s", "x") {
				t.Error("a registrant died twice")
			}
			time.Sleep(c.after)
			synctest.Wait()
			if got := ids(current(t, registry, "s")); got != c.want {
				t.Errorf("TTL %v, after %v: %q, want %q", c.ttl, c.after, got, c.want)
			}
			if err := dead.Deregister(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		r := register(t, registry.Registrar("s", memory.TTL(ttl)), sd.Instance{ID: "x", Addr: "h:1"})
		next := watch(t, registry.Instancer("s"))
		want(t, next, "x")
		registry.Faults().Outage(errDown)
		if set, err := next(); set != "" || err != errDown {
			t.Fatalf("the watch yields %q, %v; want the outage", set, err)
		}
		time.Sleep(ttl)
		if state := r.State(); state.Registered || !errors.Is(state.Err, errDown) {
			t.Errorf("no heartbeat passes, and the state is %+v", state)
		}
		time.Sleep(time.Hour)
		registry.Faults().Restore()
		want(t, next, "x") // the same set again, since an error came before; no lease ran out
		time.Sleep(time.Minute)
		if state := r.State(); !state.Registered {
			t.Errorf("the registration did not come back: %+v", state)
		}
	})
}

func TestOutageOfCredentialsIsPermanent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registry.Faults().Outage(sd.Permanent(errDown))
		start := time.Now()
		_, err := registry.Registrar("s").Register(t.Context(), sd.Instance{Addr: "h:1"})
		if !errors.Is(err, errDown) || time.Since(start) > 0 {
			t.Errorf("Register returns %v after %v; want the refusal at once", err, time.Since(start))
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registrar := registry.Registrar("s", memory.TTL(ttl))
		r := register(t, registrar, sd.Instance{ID: "x", Addr: "h:1"})
		registry.Faults().Hang()
		bounded := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			return ctx
		}
		for range registry.Instancer("s").Watch(bounded()) {
			t.Error("a watch yields while the registry hangs")
		}
		if _, err := registrar.Register(bounded(), sd.Instance{Addr: "h:2"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Register returns %v", err)
		}
		time.Sleep(time.Hour)
		if state := r.State(); state.Registered || state.Err == nil {
			t.Errorf("no heartbeat passes, and the state is %+v", state)
		}
		registry.Faults().Restore()
		registry.Faults().Restore()
		if got := ids(current(t, registry, "s")); got != "x" {
			t.Errorf("the set is %q, want x alone", got)
		}
	})
}

func TestWhatIsTakenOutComesBack(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(memory.Faults) bool
	}{
		{"expire", func(f memory.Faults) bool { return f.Expire("s", "x") }},
		{"delete", func(f memory.Faults) bool { return f.Delete("s", "x") }},
		{"lose data", func(f memory.Faults) bool { f.LoseData(); return true }},
	} {
		synctest.Test(t, func(t *testing.T) {
			registry := memory.NewRegistry()
			r := register(t, registry.Registrar("s"), sd.Instance{ID: "x", Addr: "h:1"})
			next := watch(t, registry.Instancer("s"))
			want(t, next, "x")
			if !c.do(registry.Faults()) {
				t.Fatalf("%s: it was not there", c.name)
			}
			want(t, next, "")
			synctest.Wait()
			if state := r.State(); state.Registered || state.Err == nil {
				t.Errorf("%s: the state is %+v", c.name, state)
			}
			want(t, next, "x")
			if registry.Faults().Expire("s", "nobody") || registry.Faults().Delete("nothing", "x") {
				t.Errorf("%s: what was not there was taken out", c.name)
			}
		})
	}
}

// The leases of the dead run on when an outage is over.
func TestKilledInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		register(t, registry.Registrar("s", memory.TTL(ttl)), sd.Instance{ID: "x", Addr: "h:1"})
		registry.Faults().Outage(errDown)
		registry.Faults().Kill("s", "x")
		time.Sleep(time.Hour)
		registry.Faults().Restore()
		if got := ids(current(t, registry, "s")); got != "x" {
			t.Errorf("right after the outage the set is %q; want x, whose lease stood still", got)
		}
		time.Sleep(ttl)
		synctest.Wait()
		if got := ids(current(t, registry, "s")); got != "" {
			t.Errorf("a TTL after the outage the set is %q", got)
		}
	})
}

// What hung goes on when the registry does, and does not wait for a timeout.
func TestHangEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registry.Faults().Hang()
		time.AfterFunc(time.Second, registry.Faults().Restore)
		start := time.Now()
		register(t, registry.Registrar("s"), sd.Instance{Addr: "h:1"})
		if d := time.Since(start); d != time.Second {
			t.Errorf("Register returns after %v; want it when the hang is over", d)
		}
	})
}

// One outage is told once, whatever happens to the data meanwhile.
func TestOutageIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registry.Faults().Outage(errDown)
		next := watch(t, registry.Instancer("s"))
		if _, err := next(); err != errDown {
			t.Fatalf("the watch yields %v; want the outage", err)
		}
		if err := registry.Set("s", sd.Instance{ID: "x", Addr: "h:1"}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, registry.Faults().Restore)
		want(t, next, "x")
	})
}

// A registrant that was lost and has not come back yet does not take a newcomer
// with it when it ends.
func TestDeregisterOfALostEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registrar := registry.Registrar("s")
		old := register(t, registrar, sd.Instance{ID: "x", Addr: "h:1"})
		registry.Faults().Delete("s", "x")
		newcomer := register(t, registrar, sd.Instance{ID: "x", Addr: "h:2"})
		if err := old.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := ids(current(t, registry, "s")); got != "x" || !newcomer.State().Registered {
			t.Errorf("the set is %q; want the newcomer", got)
		}
	})
}

// A registrant that lives on beside its successor leaves the ID to it, whether it
// was replaced before an outage or while it waits for the end of one.
func TestPredecessorDoesNotComeBackAfterAnOutage(t *testing.T) {
	later := sd.KeepBackoff(sd.Backoff{Base: time.Hour, Cap: time.Hour})
	old, next := sd.Instance{ID: "x", Addr: "old:1"}, sd.Instance{ID: "x", Addr: "new:1"}
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			registry := memory.NewRegistry()
			predecessor := register(t, registry.Registrar("s", memory.TTL(ttl), memory.Keep(later)), old)
			if before {
				register(t, registry.Registrar("s", memory.TTL(ttl)), next)
			}
			registry.Faults().Outage(errDown)
			time.Sleep(time.Minute)
			if state := predecessor.State(); state.Registered != before {
				t.Errorf("replaced before: %v; in the outage the state of the predecessor is %+v", before, state)
			}
			registry.Faults().Restore()
			if !before {
				register(t, registry.Registrar("s", memory.TTL(ttl)), next)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			for set, err := range registry.Instancer("s").Watch(ctx) {
				if err != nil || len(set) != 1 || set[0].Addr != next.Addr {
					t.Errorf("replaced before: %v; the watch yields %v, %v; want the successor alone", before, set, err)
				}
			}
			if state := predecessor.State(); !state.Registered || state.Err != nil {
				t.Errorf("replaced before: %v; a day later the state of the predecessor is %+v", before, state)
			}
		})
	}
}

// The predecessor is there again when its successor is gone.
func TestPredecessorSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registrar := registry.Registrar("s", memory.TTL(ttl))
		register(t, registrar, sd.Instance{ID: "x", Addr: "old:1"})
		register(t, registrar, sd.Instance{ID: "x", Addr: "new:1"})
		registry.Faults().Outage(errDown)
		time.Sleep(time.Minute)
		registry.Faults().Restore()
		registry.Faults().Kill("s", "x")
		time.Sleep(time.Hour)
		synctest.Wait()
		if set := current(t, registry, "s"); len(set) != 1 || set[0].Addr != "old:1" {
			t.Errorf("the set is %q; want the predecessor back", ids(set))
		}
	})
}
