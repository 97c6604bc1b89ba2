package transport_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/transport"
)

func ExampleReadiness_Changed() {
	var r transport.Readiness
	changed := r.Changed() // before Ready is asked, so that nothing is missed
	fmt.Println(r.Ready())
	go r.Set(true)
	<-changed
	fmt.Println(r.Ready())
	// Output:
	// false
	// true
}

func TestOnlyAChangeIsAChange(t *testing.T) {
	var r transport.Readiness
	first := r.Changed()
	r.Set(false)
	if isClosed(first) || r.Changed() != first {
		t.Error("it has changed from not ready to not ready")
	}
	r.Set(true)
	second := r.Changed()
	if !isClosed(first) || isClosed(second) {
		t.Error("the change to ready is not told once")
	}
	r.Set(false)
	if !isClosed(second) {
		t.Error("the change back is not told")
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Whoever follows it sees the last state, whatever happens meanwhile.
func TestReadinessConcurrentSafe(t *testing.T) {
	var r transport.Readiness
	if r.Ready() {
		t.Error("the zero value is ready")
	}
	over := make(chan struct{})
	var writers, readers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 1000 {
				r.Set(!r.Ready())
			}
		})
		readers.Go(func() {
			for {
				changed, seen := r.Changed(), r.Ready()
				select {
				case <-changed:
					continue
				case <-over:
				}
				// Nothing changes any more. What was not told it has seen.
				if !isClosed(changed) && !seen {
					t.Error("the last change was missed")
				}
				return
			}
		})
	}
	writers.Wait()
	r.Set(true)
	close(over)
	readers.Wait()
	if !r.Ready() {
		t.Error("not ready")
	}
}

// A service that has nobody to register with is not late.
func TestAServiceThatNeedNotWaitIsNotLate(t *testing.T) {
	for range 50 { // of what is true at once either may be noticed first
		synctest.Test(t, func(t *testing.T) {
			var r transport.Readiness
			log := slog.New(slog.NewTextHandler(writer(func() { t.Error("it logs something") }), nil))
			time.AfterFunc(time.Second, func() {
				if !r.Ready() {
					t.Error("it is not ready")
				}
			})
			err := transport.Serve(stopAfter(t, 2*time.Second), "", newFakeServer(newDiary()), somewhere,
				transport.RegisterWithin(0), transport.MarkReady(&r), transport.Logger(log))
			if err != nil || r.Ready() {
				t.Errorf("%v, ready: %v", err, r.Ready())
			}
		})
	}
}
