package lbsim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/sd"
)

func nodes(n int) []*sd.Node {
	out := make([]*sd.Node, n)
	for i := range out {
		out[i] = sd.NewNode(&sd.Instance{ID: fmt.Sprint(i), Addr: fmt.Sprint(i)})
	}
	return out
}

// The formulas of both, worked out by hand for two nodes: one that answered in 100 ms
// and one that did in 10 ms.
func TestBaselinesFollowTheirFormulas(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name     string
		strategy lb.Strategy
		inFlight int           // on the fast one
		apart    time.Duration // from each other
		at       time.Duration // of the pick
		want     int
	}{
		{"go-zero: √10 ms is less than √100 ms", lbsim.GoZero(), 0, 0, 200 * ms, 1},
		{"go-zero: 3·√10 ms is still less than √100 ms", lbsim.GoZero(), 2, 6 * ms, 200 * ms, 1},
		{"go-zero: 4·√10 ms is more than √100 ms", lbsim.GoZero(), 3, 6 * ms, 200 * ms, 0},
		{"go-zero: a second without a pick", lbsim.GoZero(), 0, 0, 1010 * ms, 0},
		{"kratos: √15 ms is less than √105 ms", lbsim.Kratos(), 0, 0, 200 * ms, 1},
		{"kratos: 2·√15 ms is still less than √105 ms", lbsim.Kratos(), 1, 6 * ms, 200 * ms, 1},
		{"kratos: 3·√15 ms is more than √105 ms", lbsim.Kratos(), 2, 6 * ms, 200 * ms, 0},
		{"kratos: 2·√155 ms for the age of the one in flight", lbsim.Kratos(), 1, 150 * ms, 290 * ms, 0},
		{"kratos: a second without a pick", lbsim.Kratos(), 0, 0, 1010 * ms, 1},
		{"kratos: three seconds without a pick", lbsim.Kratos(), 0, 0, 3010 * ms, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // whichever is drawn first
				p := tt.strategy.Picker(nodes(2), nil).(lb.Starter)
				learn(p, []time.Duration{100 * ms, 10 * ms})
				for now := 300 * ms; now < tt.at; now += 300 * ms { // the fast one is in use
					if got := begin(p, now); got != 1 {
						t.Fatalf("at %v picked %d", now, got)
					}
					p.Observe(1, lb.Outcome{Start: now, End: now + 10*ms})
				}
				for k := tt.inFlight; k > 0; k-- {
					if got := begin(p, tt.at-time.Duration(k)*tt.apart); got != 1 {
						t.Fatalf("call %d before: picked %d", k, got)
					}
				}
				if got := begin(p, tt.at); got != tt.want {
					t.Fatalf("picked %d, want %d", got, tt.want)
				}
			}
		})
	}
}

// begin is a call that begins.
func begin(p lb.Starter, now time.Duration) int {
	i := p.Pick(context.Background(), now)
	p.Start(i, now)
	return i
}

// learn makes both nodes answer once, at first.
func learn(p lb.Starter, latency []time.Duration) {
	one := begin(p, 1)
	other := begin(p, 1)
	for other == one { // until what is in flight there decides
		other = begin(p, 1)
		defer p.Observe(one, lb.Outcome{Start: 1, End: 1 + latency[one]})
	}
	p.Observe(one, lb.Outcome{Start: 1, End: 1 + latency[one]})
	p.Observe(other, lb.Outcome{Start: 1, End: 1 + latency[other]})
}

func TestBaselinesShunFailures(t *testing.T) {
	for name, s := range map[string]lb.Strategy{"go-zero": lbsim.GoZero(), "kratos": lbsim.Kratos()} {
		p := s.Picker(nodes(5), nil).(lb.Starter)
		counts := [5]int{}
		for n := range 20_000 {
			now := time.Duration(n+1) * time.Millisecond
			i := begin(p, now)
			counts[i]++
			o := lb.Outcome{Start: now, End: now + time.Millisecond/2}
			if i == 3 {
				o.Result = lb.Faulted
			}
			p.Observe(i, o)
		}
		if counts[3] > 2000 || counts[3] == 0 {
			t.Errorf("%s: of 20,000 the failing one of 5 got %v", name, counts)
		}
	}
}

func TestOmniscientKnows(t *testing.T) {
	oneGoroutine(t)
	for _, s := range lbsim.Scenarios() {
		if s.Servers[0].Limit != nil {
			continue // what it does not foresee
		}
		s.Load, s.Duration = s.Load[:1], min(s.Duration, 8*time.Second)
		if len(s.Servers) > 50 {
			s.Duration = time.Second
		}
		r := simulate(t, &s, lbsim.Omniscient())
		if got := r.Success(); got < 1 {
			t.Errorf("%s: success is %v", s.Name, got)
		}
	}
	// Two are enough if one knows: the fast one, while it has no queue.
	s := one(2, lbsim.Server{Service: lbsim.Constant(service), Concurrency: 1}, 100)
	s.Servers[1].Speed = 100
	if r := simulate(t, s, lbsim.Omniscient()); r.Share(1) < 0.99 {
		t.Errorf("the fast one of two got %v", r.Share(1))
	}
}

// In overload, who cannot be served must not keep others from it.
func TestOmniscientKeepsGoodputInOverload(t *testing.T) {
	s := one(4, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 1}, 600)
	s.Duration, s.Timeout = 30*time.Second, 100*time.Millisecond
	bound := simulate(t, s, lbsim.Omniscient()).Goodput()
	if random := simulate(t, s, lb.Random()).Goodput(); bound < 280 || random > 50 {
		t.Errorf("goodput is %.0f a second, and %.0f at random, of 400", bound, random)
	}
}

func TestOmniscientPanicsOutsideASimulation(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	lbsim.Omniscient().Picker(nodes(2), nil).Pick(context.Background(), 0)
}
