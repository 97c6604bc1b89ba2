package lbsim_test

import (
	"context"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/sd"
)

// leastBusy is a third party's strategy without chance: the first of the least
// busy. It notes what it saw.
type leastBusy struct{ *seen }

type seen struct {
	nodes    []int        // of each set
	prevs    []lb.Picker  // of each set
	picks    uint64       //
	inFlight uint64       // before each pick, added up
	outcomes []lb.Outcome // in their order
	started  []time.Duration
	clock    time.Duration // of the last pick
}

type leastBusyPicker struct {
	*seen
	set []*sd.Node
}

func (l leastBusy) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker {
	l.nodes, l.prevs = append(l.nodes, len(nodes)), append(l.prevs, prev)
	return &leastBusyPicker{l.seen, nodes}
}

func (p *leastBusyPicker) Pick(_ context.Context, now time.Duration) int {
	best := 0
	p.picks++
	p.clock = now
	for i, n := range p.set {
		p.inFlight += uint64(n.InFlight())
		if n.InFlight() < p.set[best].InFlight() {
			best = i
		}
	}
	return best
}

func (p *leastBusyPicker) Start(_ int, now time.Duration) { p.started = append(p.started, now) }

func (p *leastBusyPicker) Observe(_ int, o lb.Outcome) { p.outcomes = append(p.outcomes, o) }

// one is a scenario of one kind of server.
func one(n int, s lbsim.Server, rate float64) *lbsim.Scenario {
	sc := &lbsim.Scenario{
		Name: "test", Load: []lbsim.Step{{Rate: rate}}, Duration: 1000 * time.Second, Timeout: time.Hour,
	}
	for i := range n {
		s.ID = string(rune('a' + i))
		sc.Servers = append(sc.Servers, s)
	}
	return sc
}

// oneGoroutine skips a long test under the race detector, which has nothing to find in it.
// TestAComparisonIsTheSameInAnyOrder has the detector look at all strategies at once.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("a run has no second goroutine")
	}
}

func simulate(t *testing.T, s *lbsim.Scenario, strategy lb.Strategy) *lbsim.Result {
	t.Helper()
	r, err := lbsim.Run(s, strategy, 1)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// near fails unless got is within the share of want.
func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if got < want*(1-share) || got > want*(1+share) {
		t.Errorf("%s is %.6g, want %.6g within %v %%", what, got, want, 100*share)
	}
}
