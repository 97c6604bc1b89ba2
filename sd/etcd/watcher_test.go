package etcd_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
)

// patience is how long something may take that must happen.
const patience = 30 * time.Second

// watcher ranges over a watch until the test ends.
type watcher struct {
	t    *testing.T
	mu   sync.Mutex
	set  []*sd.Instance
	sets int
	errs []error
	id   string // of an instance that every set must have, once there is one
}

func watch(t *testing.T, in sd.Instancer) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{t: t}
	var ranging sync.WaitGroup
	ranging.Go(func() {
		for set, err := range in.Watch(ctx) {
			w.mu.Lock()
			if err != nil {
				w.errs = append(w.errs, err)
			} else {
				w.set, w.sets = set, w.sets+1
				if w.id != "" && !slices.ContainsFunc(set, func(in *sd.Instance) bool { return in.ID == w.id }) {
					t.Errorf("a set lacks %s: %s", w.id, shown(set))
				}
			}
			w.mu.Unlock()
		}
	})
	t.Cleanup(func() { cancel(); ranging.Wait() })
	return w
}

func (w *watcher) state() (set []*sd.Instance, sets int, errs []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.set, w.sets, slices.Clone(w.errs)
}

// always has every set from now on checked for an instance, or for none.
func (w *watcher) always(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.id = id
}

// count returns how many sets were yielded.
func (w *watcher) count() int { _, sets, _ := w.state(); return sets }

// sees waits until the set is "id=addr" of each instance, and returns how long it
// waited.
func (w *watcher) sees(want ...string) time.Duration {
	w.t.Helper()
	start, have, looked := time.Now(), "", -1
	eventually(w.t, func() bool {
		set, sets, errs := w.state()
		if sets+len(errs) == looked {
			return false // a set may be large
		}
		looked, have = sets+len(errs), shown(set)
		if sets > 0 && have == strings.Join(want, " ") {
			return true
		}
		if len(errs) > 0 {
			have += "; last error: " + errs[len(errs)-1].Error()
		}
		return false
	}, func() string { return "want " + strings.Join(want, " ") + ", the watch sees " + have })
	return time.Since(start)
}

func shown(set []*sd.Instance) string {
	var texts []string
	for _, in := range set {
		texts = append(texts, in.ID+"="+in.Addr)
	}
	return strings.Join(texts, " ")
}

func eventually(t *testing.T, ok func() bool, state func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", patience, state())
		}
	}
}

// register registers for the length of the test.
func register(t *testing.T, r sd.Registrar, in sd.Instance) *sd.Registration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	registration, err := r.Register(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deregister(t, registration) })
	return registration
}

// deregister tries again where a machine is so busy that the server seems silent.
func deregister(t *testing.T, r *sd.Registration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := r.Deregister(ctx)
	for errors.Is(err, etcd.ErrSilent) && ctx.Err() == nil {
		err = r.Deregister(ctx)
	}
	if err != nil {
		t.Error(err)
	}
}

// concurrently calls f for 0 to n-1, by so many workers.
func concurrently(workers, n int, f func(i int)) {
	var working sync.WaitGroup
	for k := range workers {
		working.Go(func() {
			for i := k; i < n; i += workers {
				f(i)
			}
		})
	}
	working.Wait()
}
