package circuitbreaker_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

// An open time as long as can be is not over before it began.
func TestCircuitOpenForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuitbreaker.New("x", circuitbreaker.TripAfter(1), circuitbreaker.OpenFor(math.MaxInt64))
		guarded := circuitbreaker.Break(play, c)
		time.Sleep(time.Second)
		_, _ = guarded(t.Context(), answer(errBroken))
		for range 2 {
			_, err := guarded(t.Context(), answer(nil))
			if got := endpoint.RetryAfter(err); c.State() != circuitbreaker.Open || got < 100*365*24*time.Hour {
				t.Errorf("%v, retry after %v", c.State(), got)
			}
			time.Sleep(time.Hour)
		}
	})
}

// What has left the window does not count any more, though no call comes after it.
func TestCircuitCountsOfAQuietTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := circuitbreaker.New("x", circuitbreaker.TripAfter(3))
		guarded := circuitbreaker.Break(play, c)
		_, _ = guarded(t.Context(), answer(errBroken))
		time.Sleep(5 * time.Second)
		_, _ = guarded(t.Context(), answer(errBroken))
		time.Sleep(6 * time.Second)
		want := circuitbreaker.Counts{Requests: 1, Failures: 1, ConsecutiveFailures: 1}
		if got := c.Counts(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(5 * time.Second)
		if got := c.Counts(); got != (circuitbreaker.Counts{}) {
			t.Errorf("%+v after the window", got)
		}
	})
}

// Who asks may hold locks that a hook needs: a collection of metrics does, and a hook
// that makes an instrument would wait for it for ever.
func TestCircuitQuestionsRunNoHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []circuitbreaker.State
		c := circuitbreaker.New("x", circuitbreaker.TripAfter(1),
			circuitbreaker.OnChange(func(ch circuitbreaker.Change) { seen = append(seen, ch.To) }))
		guarded := circuitbreaker.Break(play, c)
		_, _ = guarded(t.Context(), answer(errBroken))
		time.Sleep(c.RetryAfter())
		want := func(what string, want ...circuitbreaker.State) {
			t.Helper()
			if !slices.Equal(seen, want) {
				t.Errorf("%s saw %v, want %v", what, seen, want)
			}
		}
		_, _ = c.Counts(), c.RetryAfter()
		if got := c.State(); got != circuitbreaker.HalfOpen {
			t.Errorf("it is %v", got)
		}
		want("a question", circuitbreaker.Open)
		_, _ = guarded(t.Context(), answer(nil))
		want("the next call", circuitbreaker.Open, circuitbreaker.HalfOpen, circuitbreaker.Closed)
	})
}
