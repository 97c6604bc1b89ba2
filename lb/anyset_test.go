package lb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// bare is each strategy with nothing round it.
func bare() map[string]lb.Strategy {
	return map[string]lb.Strategy{
		"random": lb.Random(), "round robin": lb.RoundRobin(), "weighted round robin": lb.WeightedRoundRobin(),
		"least request": lb.LeastRequest(), "peak EWMA": lb.PeakEWMA(), "least loaded": lb.LeastLoaded(new(lb.Loads)),
		"hash": lb.ConsistentHash(), "zone": lb.Zone("a", lb.RoundRobin()),
	}
}

// No instance is an error at each pick, and not the end: one that joins serves.
func TestEveryStrategyBearsNoInstanceAndOne(t *testing.T) {
	for name, s := range bare() {
		e, source := endpointer(t, nil, nil)
		next := lb.Endpoint(lb.New(e, s), (*client).Call)
		for _, n := range []int{0, 1, 0, 1} {
			source <- instances(n)
			await(t, func() bool { return e.Set().Len() == n })
			for range 10 {
				_, err := next(t.Context(), "")
				if n == 0 && (!errors.Is(err, lb.ErrNoInstance) || endpoint.CodeOf(err) != endpoint.Unavailable) || n == 1 && err != nil {
					t.Errorf("%s of %d: %v", name, n, err)
				}
			}
		}
	}
}

// A million instances: picks are in range, and of as many instances as there are picks.
// The strategies that are not here have a million in tests of their own.
func TestMoreStrategiesBearAMillionInstances(t *testing.T) {
	if testing.Short() || ejectUnderRace || testing.CoverMode() != "" {
		t.Skip("a million instances are seconds under the race detector")
	}
	nodes := weighted(make([]int, 1_000_000)...)
	all := bare()
	for _, name := range []string{"random", "round robin", "peak EWMA", "least loaded"} {
		w := &ward{TB: t, strategy: all[name], now: time.Second}
		w.set(nodes)
		picked := map[int]bool{}
		for range 10_000 {
			i := w.pick()
			if i < 0 || i >= len(nodes) {
				t.Fatalf("%s: picked %d", name, i)
			}
			picked[i] = true
		}
		if len(picked) < 9_700 { // drawn at random, 50 were drawn before
			t.Errorf("%s: 10,000 picks are of %d instances", name, len(picked))
		}
	}
}
