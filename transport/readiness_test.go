package transport_test

import (
	"fmt"
	"sync"
	"testing"

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
