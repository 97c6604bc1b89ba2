package circuitbreaker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
)

// The hook may use the circuit, and its panic breaks nothing.
func TestOnChangeMayUseTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *circuitbreaker.Circuit
		var seen []circuitbreaker.State
		c = circuitbreaker.New("x", circuitbreaker.TripAfter(1), circuitbreaker.OnChange(func(ch circuitbreaker.Change) {
			seen = append(seen, ch.To)
			if ch.To == circuitbreaker.Open {
				time.Sleep(6 * time.Second)
				c.State() // half-opens it, while this hook runs
				if len(seen) != 1 {
					t.Error("two hooks at once")
				}
				panic("hook")
			}
		}))
		guarded := circuitbreaker.Break(play, c)
		func() {
			defer func() { _ = recover() }()
			_, _ = guarded(t.Context(), answer(errBroken))
		}()
		_, _ = guarded(t.Context(), answer(nil))
		want := []circuitbreaker.State{circuitbreaker.Open, circuitbreaker.HalfOpen, circuitbreaker.Closed}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %v, want %v", seen, want)
		}
	})
}

// A hook that panics as the circuit half-opens takes no place with it.
func TestOnChangePanicLeavesNoPlaceTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuitbreaker.New("x", circuitbreaker.TripAfter(1), circuitbreaker.OnChange(func(ch circuitbreaker.Change) {
			if ch.To == circuitbreaker.HalfOpen {
				panic("hook")
			}
		}))
		guarded := circuitbreaker.Break(play, c)
		_, _ = guarded(t.Context(), answer(errBroken))
		time.Sleep(c.RetryAfter())
		func() {
			defer func() {
				if v := recover(); v != "hook" {
					t.Errorf("the panic became %v", v)
				}
			}()
			_, _ = guarded(t.Context(), answer(nil))
		}()
		if _, err := guarded(t.Context(), answer(nil)); err != nil || c.State() != circuitbreaker.Closed {
			t.Errorf("%v, %v, want a probe that closes the circuit", c.State(), err)
		}
	})
}
