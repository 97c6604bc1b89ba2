package circuitbreaker_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
)

func TestCircuitForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		c := circuitbreaker.New("db1", circuitbreaker.TripAfter(2), circuitbreaker.OpenFor(time.Minute),
			circuitbreaker.OnChange(func(ch circuitbreaker.Change) {
				changes = append(changes, fmt.Sprintf("%s: %v to %v", ch.Name, ch.From, ch.To))
			}))
		guarded := circuitbreaker.Break(play, c)
		want := func(state circuitbreaker.State, retry time.Duration) {
			t.Helper()
			if c.State() != state || c.RetryAfter() != retry {
				t.Errorf("%v, retry after %v, want %v, %v", c.State(), c.RetryAfter(), state, retry)
			}
		}

		c.Force(circuitbreaker.ForceOpen)
		want(circuitbreaker.ForcedOpen, 0)
		if _, err := guarded(t.Context(), answer(nil)); !errors.Is(err, circuitbreaker.ErrOpen) || !strings.Contains(err.Error(), "forced open") {
			t.Errorf("forced open: %v", err)
		}
		time.Sleep(time.Hour)
		want(circuitbreaker.ForcedOpen, 0) // for as long as it takes

		c.Force(circuitbreaker.ForceClosed)
		for i := range 5 { // the second of which opens it, beneath
			if _, err := guarded(t.Context(), answer(errBroken)); err != errBroken {
				t.Errorf("forced closed, call %d: %v", i, err)
			}
		}
		want(circuitbreaker.ForcedClosed, 0)

		c.Force(circuitbreaker.Automatic)
		want(circuitbreaker.Open, time.Minute+1)

		c.Force(circuitbreaker.ForceClosed)
		time.Sleep(time.Minute + 1)
		_, _ = guarded(t.Context(), answer(nil)) // is a probe, beneath
		c.Force(circuitbreaker.Automatic)
		c.Force(circuitbreaker.Automatic)
		want(circuitbreaker.Closed, 0)
		if c.Refused() != 1 {
			t.Errorf("%d refused, want 1", c.Refused())
		}
		if want := []string{
			"db1: closed to forced_open", "db1: forced_open to forced_closed", "db1: forced_closed to open",
			"db1: open to forced_closed", "db1: forced_closed to closed",
		}; !slices.Equal(changes, want) {
			t.Errorf("changes %q, want %q", changes, want)
		}
	})
}

func TestForceText(t *testing.T) {
	for force, want := range map[circuitbreaker.Force]string{
		circuitbreaker.Automatic: "automatic", circuitbreaker.ForceOpen: "force_open", circuitbreaker.ForceClosed: "force_closed", 9: "force(9)",
	} {
		if text, err := force.MarshalText(); string(text) != want || err != nil {
			t.Errorf("%d is %q, %v, want %q", force, text, err, want)
		}
	}
	for state, want := range map[circuitbreaker.State]string{
		circuitbreaker.ForcedOpen: "forced_open", circuitbreaker.ForcedClosed: "forced_closed",
	} {
		if state.String() != want {
			t.Errorf("%d is %v, want %q", state, state, want)
		}
	}
}
