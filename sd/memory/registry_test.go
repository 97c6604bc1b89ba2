package memory_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

// watch pulls from an instancer on the test's own goroutine.
func watch(t *testing.T, instancer sd.Instancer) func() (string, error) {
	next, stop := iter.Pull2(instancer.Watch(t.Context()))
	t.Cleanup(stop)
	return func() (string, error) {
		t.Helper()
		set, err, ok := next()
		if !ok {
			t.Fatal("the watch ended")
		}
		return ids(set), err
	}
}

func ids(set []*sd.Instance) string {
	var s []string
	for _, in := range set {
		s = append(s, in.ID)
	}
	return strings.Join(s, " ")
}

func want(t *testing.T, next func() (string, error), want string) {
	t.Helper()
	if got, err := next(); err != nil || got != want {
		t.Fatalf("the watch yields %q, %v; want %q", got, err, want)
	}
}

func register(t *testing.T, registrar sd.Registrar, in sd.Instance) *sd.Registration {
	t.Helper()
	r, err := registrar.Register(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Deregister(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestSet(t *testing.T) {
	registry := memory.NewRegistry()
	next := watch(t, registry.Instancer("s"))
	want(t, next, "")
	a, b := sd.Instance{ID: "a", Addr: "h:1"}, sd.Instance{ID: "b", Addr: "h:2"}
	for _, step := range []struct {
		set  []sd.Instance
		want string
	}{
		{[]sd.Instance{b, a}, "a b"},
		{[]sd.Instance{b}, "b"},
		{[]sd.Instance{{Addr: "h:3"}}, "h:3"},
		{nil, ""},
	} {
		if err := registry.Set("s", step.set...); err != nil {
			t.Fatal(err)
		}
		want(t, next, step.want)
	}
}

func TestSetNamesAllFaultsAndWritesNothing(t *testing.T) {
	registry := memory.NewRegistry()
	next := watch(t, registry.Instancer("s"))
	want(t, next, "")
	err := registry.Set("s", sd.Instance{Addr: "h:1"}, sd.Instance{Addr: "nowhere"}, sd.Instance{Addr: "h:1", Weight: -1})
	for _, fault := range []string{`instance 2: sd: address "nowhere"`, `instance 3: sd: weight -1`, `instance 3: ID "h:1" is listed twice`} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("the error %q does not say %s", err, fault)
		}
	}
	if err := registry.Set("s", sd.Instance{ID: "good", Addr: "h:1"}); err != nil {
		t.Fatal(err)
	}
	want(t, next, "good") // and nothing in between
}

func TestMalformedNamesAndOptions(t *testing.T) {
	registry := memory.NewRegistry()
	for _, name := range []string{"", "a b", "a\n", "a\u00a0b", "\x7f", "\xff"} {
		if err := registry.Set(name); err == nil {
			t.Errorf("Set takes the name %q", name)
		}
		if panics(func() { registry.Instancer(name) }) == "" {
			t.Errorf("Instancer takes the name %q", name)
		}
		text := panics(func() { registry.Registrar(name, memory.TTL(-1), nil) })
		for _, fault := range []string{"service name", "TTL -1ns", "option 2 is nil"} {
			if !strings.Contains(text, fault) {
				t.Errorf("Registrar of %q panics with %q, without %q", name, text, fault)
			}
		}
	}
	if panics(func() { registry.Faults().Outage(nil) }) == "" {
		t.Error("Outage takes nil")
	}
}

func panics(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func TestAPredecessorIsReplacedAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		registrar := registry.Registrar("s", memory.TTL(9*time.Second))
		old := register(t, registrar, sd.Instance{ID: "x", Addr: "h:1"})
		successor := register(t, registrar, sd.Instance{ID: "x", Addr: "h:2"})
		time.Sleep(time.Minute)
		if got := current(t, registry, "s"); len(got) != 1 || got[0].Addr != "h:2" {
			t.Fatalf("the set is %v, want the successor alone", got)
		}
		if err := successor.Deregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := current(t, registry, "s"); len(got) != 1 || got[0].Addr != "h:1" {
			t.Fatalf("the set is %v, want the predecessor, which is still registered", got)
		}
		if !old.State().Registered {
			t.Error("the predecessor does not know that it is back")
		}
	})
}

func current(t *testing.T, registry *memory.Registry, service string) []*sd.Instance {
	t.Helper()
	for set, err := range registry.Instancer(service).Watch(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	t.Fatal("the watch yields nothing")
	return nil
}

// A watch that slept while an instance left and came back sees that nothing
// changed, or the old pointer in what did.
func TestPointersSurviveWhatASleeperMissed(t *testing.T) {
	registry := memory.NewRegistry()
	a, b, c := sd.Instance{ID: "a", Addr: "h:1"}, sd.Instance{ID: "b", Addr: "h:2"}, sd.Instance{ID: "c", Addr: "h:3"}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(registry.Set("s", a, c))
	next, stop := iter.Pull2(registry.Instancer("s").Watch(t.Context()))
	defer stop()
	first, _, _ := next()
	must(registry.Set("s"))
	must(registry.Set("s", c))
	must(registry.Set("s", a, b, c))
	theirs := slices.Clone(current(t, registry, "s"))
	second, _, _ := next()
	if !slices.Equal(current(t, registry, "s"), theirs) {
		t.Error("what one watch slept through changes the set of the others")
	}
	if ids(second) != "a b c" || second[0] != first[0] || second[2] != first[1] {
		t.Fatalf("%v after %v: a and c did not change", second, first)
	}
	must(registry.Set("s"))
	must(registry.Set("s", a, b, c)) // nothing changed for this watch
	must(registry.Set("s", a, b, c, sd.Instance{ID: "d", Addr: "h:4"}))
	third, _, _ := next()
	if ids(third) != "a b c d" || !slices.Equal(third[:3], second) {
		t.Fatalf("%v after %v: a, b and c did not change", third, second)
	}
}

func TestTheRegistryOwnsItsMeta(t *testing.T) {
	registry := memory.NewRegistry()
	meta := map[string]string{"k": "v"}
	if err := registry.Set("set", sd.Instance{Addr: "h:1", Meta: meta}); err != nil {
		t.Fatal(err)
	}
	register(t, registry.Registrar("put"), sd.Instance{Addr: "h:1", Meta: meta})
	meta["k"] = "changed"
	for _, service := range []string{"set", "put"} {
		if got := current(t, registry, service)[0].Meta["k"]; got != "v" {
			t.Errorf("the caller's write to its map reached the registry by %s: %q", service, got)
		}
	}
}

func TestRegistryConcurrentSafe(t *testing.T) {
	registry := memory.NewRegistry()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var work, watches sync.WaitGroup
	for range 4 {
		watches.Go(func() {
			for set := range registry.Instancer("s").Watch(ctx) {
				if !slices.IsSortedFunc(set, func(a, b *sd.Instance) int { return strings.Compare(a.ID, b.ID) }) {
					t.Errorf("not sorted: %s", ids(set))
				}
			}
		})
	}
	keep := memory.Keep(sd.KeepBackoff(sd.Backoff{Base: time.Millisecond, Cap: time.Millisecond}))
	registrar := registry.Registrar("s", memory.TTL(time.Second), keep)
	for i := range 8 {
		work.Go(func() {
			for n := range 20 {
				in := sd.Instance{ID: fmt.Sprint("i", i), Addr: "h:1"}
				r, err := registrar.Register(ctx, in)
				if err != nil {
					t.Error(err)
					return
				}
				in.Weight = n
				if err := r.Update(ctx, in); err != nil {
					t.Error(err)
				}
				if err := r.Deregister(ctx); err != nil && !errors.Is(err, errDown) {
					t.Error(err)
				} else if err != nil {
					_ = r.Deregister(ctx)
				}
			}
		})
	}
	work.Go(func() {
		for range 20 {
			registry.Faults().Outage(errDown)
			registry.Faults().LoseData()
			registry.Faults().Hang()
			registry.Faults().Delete("s", "i1")
			registry.Faults().Restore()
			registry.Faults().Expire("s", "i2")
		}
	})
	work.Wait()
	cancel()
	watches.Wait()
}

var errDown = errors.New("down")
