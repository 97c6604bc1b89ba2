package circuitbreaker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

func TestCircuitConcurrentSafe(t *testing.T) {
	var running, atOnce, changes atomic.Int64
	state := circuitbreaker.Closed // guarded by the promise that hooks do not overlap
	c := circuitbreaker.New("x", circuitbreaker.TripAfter(1), circuitbreaker.OpenFor(time.Microsecond), circuitbreaker.OnChange(func(ch circuitbreaker.Change) {
		if running.Add(1) > 1 {
			atOnce.Add(1)
		}
		if ch.From != state {
			t.Errorf("from %v, but the state was %v", ch.From, state)
		}
		state = ch.To
		changes.Add(1)
		running.Add(-1)
	}))
	guarded := circuitbreaker.Break(play, c)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 {
				_, _ = guarded(t.Context(), answer([]error{nil, errBroken, context.Canceled}[i%3]))
				_, _, _ = c.State(), c.Counts(), c.RetryAfter()
			}
		})
	}
	wg.Wait()
	if atOnce.Load() > 0 || changes.Load() == 0 {
		t.Errorf("%d hooks at once, %d changes", atOnce.Load(), changes.Load())
	}
}

func TestMisuse(t *testing.T) {
	var nothing endpoint.Endpoint[string, string]
	for want, do := range map[string]func(){
		"circuitbreaker: Break: next is nil; the breaker is nil; an option is nil; the failure function is nil": func() {
			circuitbreaker.Break(nothing, nil, nil, circuitbreaker.FailureFunc(nil))
		},
		"circuitbreaker: New: an option is nil; the failures in a row must be positive, not 0; " +
			"the failure ratio must be above 0 and at most 1, not 2; the minimum of calls must be positive, not 0; " +
			"the window must be from 10ms to a year, not 1ns; the open time must be positive, not 0s; " +
			"the probes must be positive, not -1; the function for changes is nil": func() {
			circuitbreaker.New("x", nil, circuitbreaker.TripAfter(0), circuitbreaker.TripRatio(2, 0), circuitbreaker.Window(1),
				circuitbreaker.OpenFor(0), circuitbreaker.Probes(-1), circuitbreaker.OnChange(nil))
		},
		"circuitbreaker: Break: next is nil; the breaker is nil": func() {
			circuitbreaker.Break(nothing, (*circuitbreaker.Circuit)(nil))
		},
		"circuitbreaker: Break: the breaker is nil": func() {
			circuitbreaker.Break(play, (*circuitbreaker.Throttler)(nil))
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic: %s\nwant:  %s", got, want)
				}
			}()
			do()
		}()
	}
}
