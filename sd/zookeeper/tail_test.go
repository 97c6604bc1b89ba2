package zookeeper_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A tail ranges over a watch and keeps what that yields.
type tail struct {
	t    testing.TB
	end  func()
	mu   sync.Mutex
	set  []*sd.Instance
	errs []error
	sets int
	low  int // the smallest set since lowest was asked last

	isWell bool
}

func watch(t testing.TB, instancer sd.Instancer) *tail {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &tail{t: t}
	var wg sync.WaitGroup
	wg.Go(func() {
		for set, err := range instancer.Watch(ctx) {
			w.mu.Lock()
			if err != nil {
				w.errs, w.isWell = append(w.errs, err), false
			} else {
				w.set, w.isWell = set, true
				w.sets++
				w.low = min(w.low, len(set))
			}
			w.mu.Unlock()
		}
	})
	w.end = func() { cancel(); wg.Wait() }
	t.Cleanup(w.end)
	return w
}

// ids returns the IDs of the last set.
func (w *tail) ids() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, in := range w.set {
		ids = append(ids, in.ID)
	}
	return strings.Join(ids, " ")
}

func (w *tail) known() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sets > 0
}

// well reports whether a set came after the last error.
func (w *tail) well() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isWell
}

func (w *tail) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.set)
}

// lowest returns the size of the smallest set since it was asked last.
func (w *tail) lowest() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	low := w.low
	w.low = len(w.set)
	return low
}

func (w *tail) failures() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errs[:len(w.errs):len(w.errs)]
}

// sees waits until the last set is that of these IDs, and returns how long it took.
func (w *tail) sees(ids ...string) time.Duration {
	w.t.Helper()
	want := strings.Join(ids, " ")
	return w.until(fmt.Sprintf("the watch sees {%s}", want), func() bool { return w.known() && w.ids() == want })
}

// has waits until the last set has an instance that ok likes.
func (w *tail) has(what string, ok func(*sd.Instance) bool) time.Duration {
	w.t.Helper()
	return w.until("the watch sees "+what, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, in := range w.set {
			if ok(in) {
				return true
			}
		}
		return false
	})
}

func (w *tail) until(what string, ok func() bool) time.Duration {
	w.t.Helper()
	start := time.Now()
	for deadline := start.Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("it is not so that %s, but {%s}; the errors: %v", what, w.ids(), w.failures())
		}
	}
	return time.Since(start)
}

// register registers an instance for the length of the test.
func register(t testing.TB, registrar sd.Registrar, in sd.Instance) *sd.Registration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := registrar.Register(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deregister(t, r) })
	return r
}

func deregister(t testing.TB, r *sd.Registration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Deregister(ctx); err != nil {
		t.Error(err)
	}
}

func update(t testing.TB, r *sd.Registration, in sd.Instance) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Update(ctx, in); err != nil {
		t.Fatal(err)
	}
}

func at(id string) sd.Instance { return sd.Instance{ID: id, Addr: id + ".example:80"} }
