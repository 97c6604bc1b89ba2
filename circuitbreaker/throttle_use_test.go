package circuitbreaker_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

func TestThrottleAllocatesNothing(t *testing.T) {
	idle := func(context.Context, int) (int, error) { return 0, nil }
	guarded := circuitbreaker.Throttle(idle, circuitbreaker.NewThrottler("x"))
	if n := testing.AllocsPerRun(1000, func() { _, _ = guarded(t.Context(), 1) }); n != 0 {
		t.Errorf("%v allocations for a call, want 0", n)
	}
}

func TestThrottlerConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := circuitbreaker.NewThrottler("x")
		guarded := circuitbreaker.Throttle(play, th)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 1000 {
					_, _ = guarded(t.Context(), answer([]error{nil, errBroken, context.Canceled}[i%3]))
					if c := th.Counts(); c.Accepts > c.Requests || c.Requests > 8000 {
						t.Errorf("counted %+v", c)
					}
					if g == 0 && i%100 == 0 {
						th.Force(circuitbreaker.Force(i / 100 % 3))
					}
					if i%10 == 0 {
						time.Sleep(time.Second) // all turn to the next part at once
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(30 * time.Second)
		if c := th.Counts(); c != (circuitbreaker.ThrottleCounts{}) {
			t.Errorf("%+v are never forgotten", c)
		}
	})
}

func TestThrottleMisuse(t *testing.T) {
	var nothing endpoint.Endpoint[string, string]
	for want, do := range map[string]func(){
		"circuitbreaker: Throttle: next is nil; the breaker is nil; an option is nil": func() {
			circuitbreaker.Throttle(nothing, nil, nil)
		},
		"circuitbreaker: NewThrottler: an option is nil; the multiplier must be at least 1, not NaN; " +
			"the window must be from 30ms to 1h, not 1ns; the grace must not be negative, but is -1; " +
			"the ceiling must be above 0 and at most 1, not 0; the random source is nil": func() {
			circuitbreaker.NewThrottler("x", nil, circuitbreaker.ThrottleMultiplier(math.NaN()), circuitbreaker.ThrottleWindow(1),
				circuitbreaker.ThrottleGrace(-1), circuitbreaker.ThrottleCeiling(0), circuitbreaker.ThrottleRandom(nil))
		},
		"circuitbreaker: Throttler.Force: force(3) is nothing to force": func() { circuitbreaker.NewThrottler("x").Force(3) },
		"circuitbreaker: Circuit.Force: force(3) is nothing to force":   func() { circuitbreaker.New("x").Force(3) },
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
