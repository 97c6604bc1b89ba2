package lbsim_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

func TestScenariosAreValidAndSayWhereTheyComeFrom(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range lbsim.Scenarios() {
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
		if seen[s.Name] || s.Title == "" || len(s.Title) > 90 || !strings.Contains(s.Source, "20") || s.Gap == "" {
			t.Errorf("scenario %q is %q after %q, and its gap to the bound %q", s.Name, s.Title, s.Source, s.Gap)
		}
		seen[s.Name] = true
	}
}

func scenario(t *testing.T, name string) *lbsim.Scenario {
	t.Helper()
	for _, s := range lbsim.Scenarios() {
		if s.Name == name {
			return &s
		}
	}
	t.Fatalf("there is no scenario %q", name)
	return nil
}

// What is published of round robin and least loaded in the experiment of linkerd is
// 95 % and 99 % within a second.
func TestLinkerdsFiguresComeOut(t *testing.T) {
	s := scenario(t, "a-linkerd")
	for name, tt := range map[string]struct {
		strategy lb.Strategy
		low, top float64
	}{
		"round robin":  {lb.RoundRobin(), 0.952, 0.957},
		"least loaded": {lb.LeastRequest(), 0.985, 0.995},
	} {
		r := simulate(t, s, tt.strategy)
		if got := r.Success(); got < tt.low || got > tt.top {
			t.Errorf("%s: success is %.4f, want %v to %v", name, got, tt.low, tt.top)
		}
		near(t, name+": p50", r.Latency.Quantile(0.5).Seconds(), 0.167, 0.01)
	}
}

// The titles speak of loads: rate × service time over workers × speed.
func TestLoadsAreWhatTheTitlesSay(t *testing.T) {
	for name, want := range map[string]float64{
		"c-gc": 0.5, "d-capacity": 0.7, "d-weights": 0.7, "e-restart": 0.8, "f-hung": 0.5, "h-failing": 0.5,
		"g-overload": 1.5, "g-bounded": 1.5, "g-adaptive": 1.5,
	} {
		s := scenario(t, name)
		workers, rate := 0.0, 0.0
		for _, srv := range s.Servers {
			if srv.Joins == 0 {
				workers += float64(srv.Concurrency) * max(srv.Speed, 1)
			}
		}
		for _, step := range s.Load {
			rate = max(rate, step.Rate)
		}
		near(t, name, rate*0.020/workers, want, 1e-9)
	}
}

func TestTroublesAreWhatTheTitlesSay(t *testing.T) {
	for name, want := range map[string]struct{ servers, troubled int }{
		"a-linkerd": {11, 1}, "b-finagle": {14, 4}, "c-gc": {100, 10}, "d-capacity": {9, 0}, "d-weights": {9, 0},
		"e-restart": {20, 10}, "f-hung": {10, 1}, "g-overload": {10, 0}, "g-bounded": {10, 0}, "g-adaptive": {10, 0}, "h-failing": {10, 1},
	} {
		s := scenario(t, name)
		troubled := 0
		for _, srv := range s.Servers {
			if len(srv.Troubles) > 0 {
				troubled++
			}
			if (srv.Weight > 0) != (name == "d-weights") {
				t.Errorf("%s: server %s has weight %d", name, srv.ID, srv.Weight)
			}
		}
		if len(s.Servers) != want.servers || troubled != want.troubled {
			t.Errorf("%s: %d of %d servers are troubled, want %+v", name, troubled, len(s.Servers), want)
		}
	}
}

// What the gaps to the bound say of the p99 of calls that never wait, and of what is
// served: each exponential with a mean of 20 ms over the speed, the calls by speed.
func TestGapsSayWhatTheoryDoes(t *testing.T) {
	for name, want := range map[string]struct {
		text  string
		value float64
	}{
		"c-gc":       {`a p99 of ([\d.]+) ms`, p99(1)},
		"d-capacity": {`a p99 of ([\d.]+) ms`, p99(1, 2, 4)},
		"d-weights":  {`a p99 of ([\d.]+) ms`, p99(1, 2, 4)},
		"e-restart":  {`a p99 of ([\d.]+) ms`, p99(1)},
		"f-hung":     {`a p99 of ([\d.]+) ms`, p99(1)},
		"h-failing":  {`a p99 of ([\d.]+) ms`, p99(1)},
		// 5 s of 60 %, 10 s of 150 and 15 s of 60.
		"g-overload": {`([\d.]+) % is what`, 100 * (5*0.6 + 10*1 + 15*0.6) / (5*0.6 + 10*1.5 + 15*0.6)},
	} {
		gap := scenario(t, name).Gap
		found := regexp.MustCompile(want.text).FindStringSubmatch(gap)
		if found == nil || found[1] != fmt.Sprintf("%.1f", want.value) {
			t.Errorf("%s: by theory it is %.1f, and the gap says %q", name, want.value, gap)
		}
	}
}

// p99 returns the p99 of calls to servers of these speeds that never wait, with the
// network, in milliseconds.
func p99(speeds ...float64) float64 {
	low, high := 0.0, 1000.0
	for range 50 {
		at, later, total := (low+high)/2, 0.0, 0.0
		for _, s := range speeds {
			later += s * math.Exp(-at*s/20)
			total += s
		}
		if later/total > 0.01 {
			low = at
		} else {
			high = at
		}
	}
	return low + 0.5
}

func TestARollingRestartTakesOneAtATime(t *testing.T) {
	s := scenario(t, "e-restart")
	for at := time.Duration(0); at < s.Duration; at += 100 * time.Millisecond {
		live := 0
		for _, srv := range s.Servers {
			if srv.Joins <= at && (srv.Leaves == 0 || at < srv.Leaves) {
				live++
			}
		}
		if live < 9 || live > 10 {
			t.Errorf("%d servers at %v", live, at)
		}
	}
}
