package sd_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestNodeCounts(t *testing.T) {
	in := &sd.Instance{ID: "a", Addr: "h:1"}
	n := sd.NewNode(in)
	if n.Instance() != in || n.InFlight() != 0 {
		t.Fatalf("a new node is of %v with %d in flight", n.Instance(), n.InFlight())
	}
	for want := int64(1); want <= 3; want++ {
		if !n.Acquire() || n.InFlight() != want {
			t.Fatalf("%d are in flight; want %d", n.InFlight(), want)
		}
	}
	n.Release()
	if n.InFlight() != 2 {
		t.Errorf("%d are in flight; want 2", n.InFlight())
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Retire(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Retire with calls in flight returns %v", err)
	}
	for range 3 {
		if n.Acquire() || n.InFlight() != 2 {
			t.Errorf("a retired node accepts a call, or counts %d; want 2", n.InFlight())
		}
	}
	n.Release()
	n.Release()
	// That it is drained wins over a context that is done.
	for range 100 {
		if err := n.Retire(done); err != nil || n.InFlight() != 0 || n.Acquire() {
			t.Fatalf("Retire of a drained node returns %v, with %d in flight", err, n.InFlight())
		}
	}
}

func TestNodeRetireWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := sd.NewNode(new(sd.Instance))
		for i := range 3 {
			n.Acquire()
			time.AfterFunc(time.Duration(i+1)*time.Second, n.Release)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := n.Retire(t.Context()); err != nil || time.Since(start) != 3*time.Second {
					t.Errorf("Retire returns %v after %v; want nil after 3 s", err, time.Since(start))
				}
			})
		}
		bounded, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := n.Retire(bounded); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a bounded Retire returns %v", err)
		}
		wg.Wait()
	})
}

func TestNodeEnterTellsTheLoad(t *testing.T) {
	n := sd.NewNode(&sd.Instance{Addr: "10.0.0.1:80"})
	for want := int64(1); want <= 3; want++ {
		if got := n.Enter(); got != want || n.InFlight() != want {
			t.Errorf("Enter returns %d with %d in flight, want %d", got, n.InFlight(), want)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_ = n.Retire(ended)
	if got := n.Enter(); got != 0 || n.InFlight() != 3 {
		t.Errorf("Enter of one that has left returns %d with %d in flight", got, n.InFlight())
	}
}

// No Acquire succeeds once a Retire has returned, and none is in flight then.
func TestNodeConcurrentSafe(t *testing.T) {
	for range 200 {
		n := sd.NewNode(new(sd.Instance))
		var retired atomic.Bool
		var inside atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					late := retired.Load()
					if !n.Acquire() {
						return
					}
					inside.Add(1)
					if late {
						t.Error("a call was accepted after Retire had returned")
					}
					runtime.Gosched()
					inside.Add(-1)
					n.Release()
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				runtime.Gosched()
				if err := n.Retire(t.Context()); err != nil {
					t.Error(err)
				}
				retired.Store(true)
				if calls := inside.Load(); calls != 0 {
					t.Errorf("Retire returned with %d calls in flight", calls)
				}
			})
		}
		wg.Wait()
		if n.InFlight() != 0 {
			t.Fatalf("%d are in flight in the end", n.InFlight())
		}
	}
}

// One call and one Retire at the same moment: either the call is refused, or
// Retire waits for it.
func TestNodeAcquireBesideRetire(t *testing.T) {
	for round := range 20_000 {
		n := sd.NewNode(new(sd.Instance))
		var ready, retired atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			ready.Store(true)
			for range round % 64 { // so that every interleaving has its turn
				retired.Load()
			}
			if !n.Acquire() {
				return
			}
			for range 20 {
				runtime.Gosched()
			}
			if retired.Load() {
				t.Error("Retire returned while a call was in flight")
			}
			n.Release()
		})
		for !ready.Load() {
			runtime.Gosched()
		}
		if err := n.Retire(t.Context()); err != nil {
			t.Error(err)
		}
		retired.Store(true)
		wg.Wait()
	}
}

func TestNodeAllocatesNothing(t *testing.T) {
	n := sd.NewNode(new(sd.Instance))
	if got := testing.AllocsPerRun(1000, func() {
		if n.Acquire() {
			n.Release()
		}
	}); got != 0 {
		t.Errorf("Acquire and Release allocate %v times", got)
	}
}

// A call that is ended twice is told so, and costs the instance nothing.
func TestNodeReleaseWithoutAcquire(t *testing.T) {
	n := sd.NewNode(&sd.Instance{ID: "a", Addr: "a:80"})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		n.Acquire()
		n.Release()
		n.Release()
	}()
	if n.InFlight() != 0 || !n.Acquire() {
		t.Errorf("%d calls are in flight, and the node refuses", n.InFlight())
	}
	n.Release()
	if err := n.Retire(t.Context()); err != nil {
		t.Error(err)
	}
}
