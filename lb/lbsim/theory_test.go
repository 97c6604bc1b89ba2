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

// erlangB returns the share of calls that c servers without a queue lose at a load
// of a (in servers); erlangC the share that waits if there is a queue.
func erlangB(c int, a float64) float64 {
	b := 1.0
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b
}

func erlangC(c int, a float64) float64 {
	b := erlangB(c, a)
	return b / (1 - a/float64(c)*(1-b))
}

const service = 10 * time.Millisecond

// The mean response times of queueing theory, Kleinrock, "Queueing Systems", 1975.
func TestMeanResponseIsThatOfTheory(t *testing.T) {
	oneGoroutine(t)
	mmc := func(c int, load float64) float64 { // load in servers
		return service.Seconds() * (1 + erlangC(c, load)/(float64(c)-load))
	}
	for _, tt := range []struct {
		name    string
		dist    lbsim.Dist
		workers int
		rate    float64
		want    float64
	}{
		{"M/M/1, half", lbsim.Exponential(service), 1, 50, 0.020},
		{"M/M/1, 80 %", lbsim.Exponential(service), 1, 80, 0.050},
		{"M/M/4, 80 %", lbsim.Exponential(service), 4, 320, mmc(4, 3.2)},
		{"M/M/16, 90 %", lbsim.Exponential(service), 16, 1440, mmc(16, 14.4)},
		// Pollaczek and Khinchine: a queue half as long without variance.
		{"M/D/1, 80 %", lbsim.Constant(service), 1, 80, 0.010 + 0.8*0.010/(2*0.2)},
		{"M/G/∞", lbsim.LogNormal{Median: service, Sigma: 0.1}, 0, 500, 0.010 * 1.005},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := one(1, lbsim.Server{Service: tt.dist, Concurrency: tt.workers}, tt.rate)
			s.Duration = time.Duration(100_000 / tt.rate * 1e9)
			r := simulate(t, s, leastBusy{new(seen)})
			near(t, "the mean", r.Latency.Mean().Seconds(), tt.want, 0.03)
			near(t, "the number of calls", float64(r.Calls), 100_000, 0.01)
			if r.Served != r.Calls {
				t.Errorf("%d of %d calls are served", r.Served, r.Calls)
			}
		})
	}
}

func TestABoundedQueueLosesWhatTheorySays(t *testing.T) {
	oneGoroutine(t)
	// M/M/1/K loses (1-ρ)ρ^K/(1-ρ^(K+1)), K waiting and served together.
	for _, tt := range []struct {
		workers, queue int
		rate, want     float64
	}{
		{1, 2, 80, 0.2 * 0.8 * 0.8 * 0.8 / (1 - 0.8*0.8*0.8*0.8)},
		{1, -1, 80, erlangB(1, 0.8)},
		{4, -1, 400, erlangB(4, 4)},
	} {
		t.Run(fmt.Sprint(tt.workers, tt.queue), func(t *testing.T) {
			s := one(1, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: tt.workers, Queue: tt.queue}, tt.rate)
			r := simulate(t, s, leastBusy{new(seen)})
			near(t, "the share rejected", float64(r.Rejected)/float64(r.Calls), tt.want, 0.03)
			if r.Rejected+r.Served != r.Calls {
				t.Errorf("of %d calls %d are rejected and %d served", r.Calls, r.Rejected, r.Served)
			}
		})
	}
}

// slots is a limiter that admits a fixed number.
type slots struct{ free int }

func (s *slots) Admit(time.Duration) bool {
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

func (s *slots) Done(start, now time.Duration, _ bool) {
	if now < start {
		panic("done before it began")
	}
	s.free++
}

// A limit of four calls before any number of workers is Erlang's loss system too.
func TestALimiterAdmitsAndIsToldOfTheEnd(t *testing.T) {
	var made []*slots
	s := one(1, lbsim.Server{Service: lbsim.Exponential(service)}, 400)
	s.Timeout = 15 * time.Millisecond // that callers give up changes nothing
	s.Servers[0].Limit = func() lbsim.Limiter {
		made = append(made, &slots{4})
		return made[0]
	}
	r := simulate(t, s, leastBusy{new(seen)})
	near(t, "the share rejected", float64(r.Rejected)/float64(r.Calls), erlangB(4, 4), 0.02)
	if len(made) != 1 || made[0].free != 4 || r.TimedOut == 0 {
		t.Errorf("%d limiters, %d of 4 slots free at the end, %d calls timed out", len(made), made[0].free, r.TimedOut)
	}
}

// Little's law, as arrivals see it: what is in flight on average is the rate times
// the mean time. One is seen by the strategy, the other by the callers.
func TestLittlesLaw(t *testing.T) {
	s := one(5, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 2}, 700)
	s.Duration = 50 * time.Second
	saw := new(seen)
	r := simulate(t, s, leastBusy{saw})
	inFlight := float64(saw.inFlight) / float64(saw.picks)
	near(t, "the number in flight", inFlight, 700*r.Latency.Mean().Seconds(), 0.02)
}

func TestArrivalsFollowTheLoad(t *testing.T) {
	s := one(1, lbsim.Server{Service: lbsim.Constant(service)}, 0)
	s.Load = []lbsim.Step{{0, 100}, {100 * time.Second, 0}, {200 * time.Second, 1000}, {300 * time.Second, 10}}
	saw := new(seen)
	simulate(t, s, leastBusy{saw})
	var counts [10]float64
	for _, o := range saw.outcomes {
		counts[o.Start/(100*time.Second)]++
	}
	for i, want := range []float64{10_000, 0, 100_000, 1000, 1000} {
		near(t, fmt.Sprintf("the calls from %d s", 100*i), counts[i], want, 0.1)
	}
}

func TestSpeedDividesServiceTimes(t *testing.T) {
	s := one(1, lbsim.Server{Service: lbsim.Constant(service), Speed: 4}, 10)
	if got := simulate(t, s, leastBusy{new(seen)}).Latency.Max(); got != service/4 {
		t.Errorf("a call takes %v", got)
	}
}

// wrapped is a distribution that cannot be compared, though its type can.
type wrapped struct{ lbsim.Dist }

// Servers of equal and of different distributions each follow their own.
func TestEachServerFollowsItsDistribution(t *testing.T) {
	dists := []lbsim.Dist{
		lbsim.Empirical{service, 3 * service}, lbsim.Constant(service), lbsim.Empirical{service, service},
		wrapped{lbsim.Empirical{2 * service, 2 * service}}, lbsim.Constant(service), lbsim.Constant(3 * service),
		wrapped{lbsim.Empirical{4 * service, 4 * service}},
	}
	for i, want := range []float64{2, 1, 1, 2, 1, 3, 4} {
		s := one(len(dists), lbsim.Server{Service: lbsim.Constant(1)}, 100)
		s.Duration = 100 * time.Second
		for k := range s.Servers {
			s.Servers[k].Service = dists[k]
		}
		r := simulate(t, s, only(i))
		near(t, fmt.Sprintf("the mean of server %d", i), r.Latency.Mean().Seconds(), want*service.Seconds(), 0.02)
	}
}

// only is a strategy that always picks one index.
type only int

func (o only) Picker([]*sd.Node, lb.Picker) lb.Picker  { return o }
func (o only) Pick(context.Context, time.Duration) int { return int(o) }
