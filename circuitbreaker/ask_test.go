package circuitbreaker_test

import (
	"math"
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
