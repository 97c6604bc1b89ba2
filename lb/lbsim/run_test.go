package lbsim_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/sd"
)

func TestASeedDeterminesARun(t *testing.T) {
	for _, s := range lbsim.Scenarios() {
		s.Duration /= 20
		s.Attempts, s.Keys = 3, 7
		if n := len(s.Load); n > 1 {
			s.Load = s.Load[:1]
		}
		a, _ := lbsim.Run(&s, leastBusy{new(seen)}, 7)
		b, _ := lbsim.Run(&s, leastBusy{new(seen)}, 7)
		c, _ := lbsim.Run(&s, leastBusy{new(seen)}, 8)
		if a == nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: two runs of one seed differ", s.Name)
		}
		if reflect.DeepEqual(a, c) {
			t.Errorf("%s: the runs of two seeds are equal", s.Name)
		}
	}
}

// Strategies are compared on the same calls.
func TestStrategiesMeetTheSameArrivals(t *testing.T) {
	s := one(3, lbsim.Server{Service: lbsim.Exponential(service)}, 100)
	a := simulate(t, s, leastBusy{new(seen)})
	b := simulate(t, s, lb.Random())
	if !reflect.DeepEqual(a.Latency, b.Latency) {
		t.Error("servers that do not queue answer differently by strategy")
	}
}

func TestTheClockIsThatOfABalancer(t *testing.T) {
	saw := new(seen)
	simulate(t, one(1, lbsim.Server{Service: lbsim.Constant(service)}, 10), leastBusy{saw})
	if len(saw.outcomes) == 0 || saw.clock < 900*time.Second {
		t.Fatalf("the last pick is at %v after %d outcomes", saw.clock, len(saw.outcomes))
	}
	for _, o := range saw.outcomes {
		if o.Start <= 0 || o.Latency() != service || o.Result != lb.Served {
			t.Fatalf("outcome is %+v", o)
		}
	}
	if len(saw.started) != len(saw.outcomes) || saw.started[7] != saw.outcomes[7].Start {
		t.Errorf("%d calls were started, %d ended", len(saw.started), len(saw.outcomes))
	}
	near(t, "the end", saw.outcomes[len(saw.outcomes)-1].End.Seconds(), 1000, 0.01)
}

func TestServersJoinAndLeave(t *testing.T) {
	s := one(3, lbsim.Server{Service: lbsim.Constant(service)}, 100)
	s.Servers[1].Leaves = 250 * time.Second
	s.Servers[2].Joins = 500 * time.Second
	saw := new(seen)
	r := simulate(t, s, leastBusy{saw})
	if !slices.Equal(saw.nodes, []int{2, 1, 2}) {
		t.Errorf("the sets have sizes %v", saw.nodes)
	}
	if saw.prevs[0] != nil || saw.prevs[1] == nil || saw.prevs[2] == nil || saw.prevs[1] == saw.prevs[2] {
		t.Errorf("the pickers before are %v", saw.prevs)
	}
	// The first is idle at most picks, and takes them.
	if r.Sent[0] < 50_000 || r.Sent[1] == 0 || r.Sent[2] == 0 || r.Served != r.Calls {
		t.Errorf("%d of %d are served, sent are %v", r.Served, r.Calls, r.Sent)
	}
	if got := r.Share(0) + r.Share(1) + r.Share(2); got < 0.999 || got > 1.001 {
		t.Errorf("the shares add up to %v", got)
	}
}

func TestAnEmptySetFailsCalls(t *testing.T) {
	s := one(1, lbsim.Server{Service: lbsim.Constant(service), Leaves: 500 * time.Second}, 100)
	r := simulate(t, s, leastBusy{new(seen)})
	near(t, "the share unbalanced", float64(r.Unbalanced)/float64(r.Calls), 0.5, 0.02)
	if r.Latency.Quantile(0.9) != s.Timeout {
		t.Errorf("p90 is %v", r.Latency.Quantile(0.9))
	}
}

func TestSkipLeavesTheBeginningOut(t *testing.T) {
	s := one(1, lbsim.Server{Service: lbsim.Constant(service)}, 100)
	s.Servers[0].Troubles = []lbsim.Trouble{{Kind: lbsim.Refuse, For: 500 * time.Second}}
	s.Skip = 500 * time.Second
	r := simulate(t, s, leastBusy{new(seen)})
	near(t, "the number of calls", float64(r.Calls), 50_000, 0.02)
	near(t, "goodput", r.Goodput(), 100, 0.02)
	if r.Success() != 1 {
		t.Errorf("success is %v", r.Success())
	}
}

func TestRetriesGoElsewhereWithinABudget(t *testing.T) {
	s := one(2, lbsim.Server{Service: lbsim.Constant(service)}, 100)
	s.Servers[0].Troubles = []lbsim.Trouble{{Kind: lbsim.Refuse, Every: 10 * time.Second, For: 500 * time.Millisecond}}
	s.Attempts = 2
	if r := simulate(t, s, leastBusy{new(seen)}); r.Served != r.Calls || r.Retries == 0 {
		t.Errorf("%d of %d are served by %d retries", r.Served, r.Calls, r.Retries)
	}
	for i := range s.Servers {
		s.Servers[i].Troubles = []lbsim.Trouble{{Kind: lbsim.Refuse}}
	}
	r := simulate(t, s, leastBusy{new(seen)})
	near(t, "the share retried", float64(r.Retries-100)/float64(r.Calls), 0.2, 0.01)
	if r.Failed != r.Calls {
		t.Errorf("%d of %d fail", r.Failed, r.Calls)
	}
}

// twice picks each node two times in a row.
type twice struct{ picks *int }

func (p twice) Picker([]*sd.Node, lb.Picker) lb.Picker { return p }

func (p twice) Pick(context.Context, time.Duration) int {
	*p.picks++
	return (*p.picks - 1) / 2 % 3
}

// As in a balancer: the strategy is asked again before chance decides.
func TestRetriesAreBalancedToo(t *testing.T) {
	s := one(3, lbsim.Server{Service: lbsim.Constant(service)}, 100)
	s.Servers[0].Troubles = []lbsim.Trouble{{Kind: lbsim.Refuse}}
	s.Duration, s.Attempts = 3*time.Second, 2 // no more than the budget
	r := simulate(t, s, twice{new(int)})
	// a refuses, is picked again and avoided, b gets the retry; b, c and c get calls.
	for i, part := range []float64{1, 2, 2} {
		near(t, s.Servers[i].ID+"'s part", float64(r.Sent[i]), float64(r.Calls)/4*part, 0.03)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	s := &lbsim.Scenario{Name: "bad", Load: []lbsim.Step{{5, -1}}, Attempts: 9, Servers: []lbsim.Server{
		{ID: "x", Service: lbsim.Empirical{2, 1}, Speed: -1},
		{ID: "x", Service: lbsim.Constant(1), Leaves: -5},
		{Service: lbsim.Constant(1), Troubles: []lbsim.Trouble{
			{}, {Kind: lbsim.Slow}, {Kind: lbsim.Warmup, Factor: 5}, {Kind: lbsim.Pause}, {Kind: lbsim.Hang, Every: 1},
		}},
	}}
	_, err := lbsim.Run(s, lb.Random(), 1)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`scenario "bad"`, "duration 0s", "9 attempts", "start at 0", "step 0", `"x": the service times`, "speed, concurrency",
		"join before it leaves", `two servers are "x"`, "no ID", "trouble 0: there is no kind 0", "trouble 1: the factor",
		"trouble 2: it must end", "trouble 3: it must end", "trouble 4: from 0s",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}
