package lbsim_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

// What is said of package lb, over ten seeds: with the same information and at its
// defaults, it is no worse at p99 than 2 % above round robin, random, go-zero and
// kratos, whatever befalls the servers, and mostly far better.
func TestTheBestIsNoWorseThanAnyBaseline(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("it takes some ten seconds, and ten times that under the race detector")
	}
	peak, least := lb.SlowStart(lb.Eject(lb.PeakEWMA())), lb.SlowStart(lb.Eject(lb.LeastRequest()))
	for _, tt := range []struct {
		scenario string
		best     lb.Strategy
		most     float64 // of the best baseline's p99
		success  float64
	}{
		{"a-linkerd", lb.PeakEWMA(), 1.02, 0.999},
		{"a-linkerd", peak, 1.02, 0.999},
		{"b-finagle", peak, 0.2, 0.998},
		{"c-gc", peak, 1.02, 1},
		{"d-capacity", peak, 0.97, 1},
		{"d-weights", peak, 0.7, 1},
		{"e-restart", least, 1.02, 1},
		{"f-hung", peak, 1.01, 0.9995},
		{"h-failing", peak, 0.93, 0.9995},
	} {
		contestants := append([]lbsim.Contestant{{Name: "ours", Strategy: tt.best}}, lbsim.Baselines()...)
		rows, err := lbsim.Compare(t.Context(), []lbsim.Scenario{*scenario(t, tt.scenario)}, contestants[:5], 10)
		if err != nil {
			t.Fatal(err)
		}
		ours := rows[0].Result.Latency.Quantile(0.99)
		if got := rows[0].Result.Success(); got < tt.success {
			t.Errorf("%s: success is %.5f, want %v", tt.scenario, got, tt.success)
		}
		for _, row := range rows[1:] {
			if theirs := row.Result.Latency.Quantile(0.99); float64(ours) > tt.most*float64(theirs) {
				t.Errorf("%s: p99 is %v, want at most %v of the %v of %s", tt.scenario, ours, tt.most, theirs, row.Contestant.Name)
			}
		}
	}
}

// In overload, over ten seeds, what is served does not collapse behind the adaptive
// limit, whoever balances: it is next to what a bound reaches that knows the capacity.
func TestGoodputDoesNotCollapseBehindTheAdaptiveLimit(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("it takes seconds, and a run has no second goroutine")
	}
	rows, err := lbsim.Compare(t.Context(),
		[]lbsim.Scenario{*scenario(t, "g-overload"), *scenario(t, "g-bounded"), *scenario(t, "g-adaptive")},
		[]lbsim.Contestant{
			{Name: "random", Strategy: lb.Random()},
			{Name: "least request", Strategy: lb.LeastRequest()},
			{Name: "peak EWMA", Strategy: lb.Eject(lb.PeakEWMA())},
		}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows[:3] {
		free, bounded, adaptive := row.Result.Goodput(), rows[3+i].Result.Goodput(), rows[6+i].Result.Goodput()
		if adaptive < 0.98*bounded || adaptive < 3*free {
			t.Errorf("%s: goodput is %.0f a second without a bound, %.0f with one, %.0f with the adaptive limit",
				row.Contestant.Name, free, bounded, adaptive)
		}
	}
}

// A server that has room refuses next to nothing once its limit is found: of thirty
// seeds none more than 1 in 4,000.
func TestTheAdaptiveLimitLetsThroughWhatThereIsRoomFor(t *testing.T) {
	s := scenario(t, "g-adaptive")
	s.Load, s.Duration, s.Skip = s.Load[:1], time.Minute, 5*time.Second // at 60 %
	if r := simulate(t, s, lb.LeastRequest()); r.Success() < 0.999 {
		t.Errorf("%d of %d calls were rejected", r.Rejected, r.Calls)
	}
}
