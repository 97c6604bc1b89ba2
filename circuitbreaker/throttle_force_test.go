package circuitbreaker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
)

func TestThrottlerForce(t *testing.T) {
	th := fed(100, 0)
	p, counts := th.Probability(), th.Counts()
	guarded := circuitbreaker.Throttle(play, th)

	th.Force(circuitbreaker.ForceOpen)
	if _, err := guarded(t.Context(), answer(nil)); !errors.Is(err, circuitbreaker.ErrOpen) || !strings.Contains(err.Error(), "forced open") {
		t.Errorf("forced open: %v", err)
	}
	if th.Forced() != circuitbreaker.ForceOpen || th.Probability() != 1 || th.Counts() != counts || th.Refused() != 1 {
		t.Errorf("%v: probability %v, %+v, want 1 and %+v", th.Forced(), th.Probability(), th.Counts(), counts)
	}
	th.Force(circuitbreaker.ForceClosed)
	if th.Forced() != circuitbreaker.ForceClosed || th.Probability() != 0 {
		t.Errorf("%v: probability %v, want 0", th.Forced(), th.Probability())
	}
	for range 100 {
		if _, err := guarded(t.Context(), answer(errBroken)); err != errBroken {
			t.Fatalf("forced closed: %v", err)
		}
	}
	th.Force(circuitbreaker.Automatic)
	if c := th.Counts(); c.Requests != 200 || th.Probability() < p {
		t.Errorf("released: %+v, probability %v, want 200 requests and at least %v", c, th.Probability(), p)
	}
}

// What was seen while forced closed is as old as it is.
func TestThrottlerForcedClosedGoesOnCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := circuitbreaker.NewThrottler("x")
		th.Force(circuitbreaker.ForceClosed)
		traffic(th, time.Minute, 10, func() error { return nil })
		th.Force(circuitbreaker.Automatic)
		if c := th.Counts(); c.Requests < 290 || c.Requests > 300 {
			t.Errorf("counted %+v, want those of half a minute at 10 a second", c)
		}
	})
}
