package sd_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
)

func TestNodeCountsWhatHasEntered(t *testing.T) {
	n := sd.NewNode(&sd.Instance{Addr: "10.0.0.1:80"})
	for range 3 {
		n.Acquire()
		n.Enter()
		n.Release()
		n.Release()
	}
	n.Acquire()
	n.Undo()
	if n.Entered() != 6 || n.InFlight() != 0 {
		t.Errorf("%d entered and %d are in flight, want 6 and 0", n.Entered(), n.InFlight())
	}
	n.Acquire()
	ended, end := context.WithCancel(t.Context())
	end()
	_ = n.Retire(ended)
	if n.Acquire() || n.Enter() != 0 || n.Entered() != 7 {
		t.Errorf("%d entered one that has left, want 7", n.Entered())
	}
	n.Undo() // the last, which ends the drain as Release does
	if err := n.Retire(ended); err != nil || n.Entered() != 6 || n.InFlight() != 0 {
		t.Errorf("%v with %d entered and %d in flight, want 6 and 0", err, n.Entered(), n.InFlight())
	}
}

func TestNodeUndoWithoutAcquire(t *testing.T) {
	n := sd.NewNode(&sd.Instance{Addr: "10.0.0.1:80"})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		n.Undo()
	}()
	if n.InFlight() != 0 || n.Entered() != 0 || !n.Acquire() {
		t.Errorf("%d are in flight and %d entered", n.InFlight(), n.Entered())
	}
}

// The count begins anew and the calls in flight do not notice.
func TestNodeEnteredWraps(t *testing.T) {
	n := sd.NewNode(&sd.Instance{Addr: "10.0.0.1:80"})
	n.Acquire()
	n.SetEntered(1<<32 - 1)
	before := n.Entered()
	if !n.Acquire() || n.InFlight() != 2 || n.Entered()-before != 1 {
		t.Errorf("%d are in flight, want 2, and %d entered", n.InFlight(), n.Entered()-before)
	}
	n.Release()
	n.Release()
	if n.InFlight() != 0 || n.Entered() != 0 {
		t.Errorf("%d are in flight and %d entered", n.InFlight(), n.Entered())
	}
	if err := n.Retire(t.Context()); err != nil {
		t.Error(err)
	}
}

// A call that was summed and then taken back is made up for by the next.
func TestEndpointerSumsWhatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		if err := registry.Set("s", sd.Instance{Addr: "a:1"}); err != nil {
			t.Fatal(err)
		}
		e := sd.NewEndpointer(registry.Instancer("s"), func(context.Context, *sd.Instance) (string, error) { return "", nil })
		defer e.Close()
		synctest.Wait()
		n := e.Set().Nodes()[0]
		want := func(want uint64) {
			t.Helper()
			if got := e.Entered(); got != want {
				t.Errorf("%d entered, want %d", got, want)
			}
		}
		n.Enter()
		want(1)
		n.Undo()
		want(1)
		n.Enter()
		want(1)
		n.Enter()
		want(2)
		n.Release()
		n.Release()
	})
}

// The sum never falls, whoever leaves, and misses nothing that is made meanwhile.
func TestEndpointerSumsWhatHasEntered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memory.NewRegistry()
		e := sd.NewEndpointer(registry.Instancer("s"), func(context.Context, *sd.Instance) (string, error) { return "", nil })
		defer e.Close()
		var there []*sd.Registration
		for _, addr := range []string{"a:1", "b:1", "c:1"} {
			r, err := registry.Registrar("s").Register(t.Context(), sd.Instance{Addr: addr})
			if err != nil {
				t.Fatal(err)
			}
			there = append(there, r)
		}
		synctest.Wait()
		set := e.Set().Nodes()
		for i, n := range set {
			for range i + 1 { // 6 in all
				n.Acquire()
				n.Release()
			}
		}
		if got := e.Entered(); got != 6 {
			t.Errorf("%d, want 6", got)
		}
		set[2].Acquire()
		_ = there[2].Deregister(t.Context())
		synctest.Wait() // it drains
		set[2].Release()
		synctest.Wait()
		if got := e.Entered(); got != 7 || e.Entered() != 7 {
			t.Errorf("%d after one has left, want 7", got)
		}
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				for range 100 {
					set[0].Acquire()
					set[0].Release()
					e.Entered()
				}
			})
		}
		_ = there[1].Deregister(t.Context())
		running.Wait()
		synctest.Wait()
		if got := e.Entered(); got != 407 {
			t.Errorf("%d, want 407", got)
		}
		_ = there[0].Deregister(t.Context())
	})
}
