package lbsim_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

// troubled runs a server of constant service time and any number of workers.
func troubled(t *testing.T, duration, timeout time.Duration, troubles ...lbsim.Trouble) (*lbsim.Result, []lb.Outcome) {
	t.Helper()
	s := one(1, lbsim.Server{Service: lbsim.Constant(service), Troubles: troubles}, 100)
	s.Duration, s.Timeout = duration, timeout
	saw := new(seen)
	return simulate(t, s, leastBusy{saw}), saw.outcomes
}

func TestPausesDelayWhatTheyMeet(t *testing.T) {
	r, outcomes := troubled(t, 1000*time.Second, time.Minute, lbsim.Trouble{
		Kind: lbsim.Pause, From: 3 * time.Second, For: 500 * time.Millisecond, Every: 10 * time.Second,
	})
	// Who comes during a pause waits for its end, half of it on average; who was
	// begun before it, for all of it.
	want := service.Seconds() + 0.5*0.5/2/10 + service.Seconds()*0.5/10
	near(t, "the mean", r.Latency.Mean().Seconds(), want, 0.03)
	if most := r.Latency.Max(); most > 510*time.Millisecond || most < 500*time.Millisecond {
		t.Errorf("the slowest call took %v", most)
	}
	for _, o := range outcomes {
		if at := (o.End - 3*time.Second) % (10 * time.Second); at > 2*time.Microsecond && at < 499*time.Millisecond {
			t.Fatalf("a call ended %v into a pause", at)
		}
	}
}

func TestSlowAndWarmup(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble lbsim.Trouble
		at      time.Duration
		want    time.Duration
	}{
		{"before", lbsim.Trouble{Kind: lbsim.Slow, From: 10 * time.Second, Factor: 3}, 9 * time.Second, service},
		{"during", lbsim.Trouble{Kind: lbsim.Slow, From: 10 * time.Second, Factor: 3}, 11 * time.Second, 3 * service},
		{"after", lbsim.Trouble{Kind: lbsim.Slow, From: 10 * time.Second, For: time.Second, Factor: 3}, 12 * time.Second, service},
		{"again", lbsim.Trouble{Kind: lbsim.Slow, For: 2 * time.Second, Every: 10 * time.Second, Factor: 3}, 11 * time.Second, 3 * service},
		{"instead", lbsim.Trouble{Kind: lbsim.Slow, Service: lbsim.Constant(time.Second)}, time.Second, time.Second},
		{"cold", lbsim.Trouble{Kind: lbsim.Warmup, For: 100 * time.Second, Factor: 5}, 10 * time.Second, 5 * service},
		{"warmer", lbsim.Trouble{Kind: lbsim.Warmup, For: 100 * time.Second, Factor: 5}, 50 * time.Second, 2 * service},
		{"warm", lbsim.Trouble{Kind: lbsim.Warmup, For: 100 * time.Second, Factor: 5}, 150 * time.Second, service},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, outcomes := troubled(t, 200*time.Second, time.Minute, tt.trouble)
			for _, o := range outcomes {
				if o.Start >= tt.at {
					near(t, "the time", o.Latency().Seconds(), tt.want.Seconds(), 0.01)
					break
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name                     string
		trouble                  lbsim.Trouble
		took                     time.Duration
		failed, rejected, hanged bool
	}{
		{"refuse", lbsim.Trouble{Kind: lbsim.Refuse}, 0, true, false, false},
		{"fail", lbsim.Trouble{Kind: lbsim.Fail}, service, true, false, false},
		{"fail fast", lbsim.Trouble{Kind: lbsim.Fail, Service: lbsim.Constant(time.Millisecond)}, time.Millisecond, true, false, false},
		{"hang", lbsim.Trouble{Kind: lbsim.Hang}, time.Second, false, false, true},
		{"too slow", lbsim.Trouble{Kind: lbsim.Slow, Factor: 1000}, time.Second, false, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, outcomes := troubled(t, 10*time.Second, time.Second, tt.trouble)
			if r.Served != 0 || (r.Failed == r.Calls) != tt.failed || (r.TimedOut == r.Calls) != tt.hanged {
				t.Errorf("of %d calls %d fail and %d time out", r.Calls, r.Failed, r.TimedOut)
			}
			if o := outcomes[0]; o.Result != lb.Faulted || o.Latency() != tt.took {
				t.Errorf("outcome is %+v", o)
			}
			// A fast error is no fast answer.
			if r.Latency.Quantile(0.01) != time.Second {
				t.Errorf("p1 is %v", r.Latency.Quantile(0.01))
			}
		})
	}
}

// Who works for callers that are gone works for nobody; who heeds them does not.
func TestGoodputCollapsesUnlessServersHeed(t *testing.T) {
	for _, heeds := range []bool{false, true} {
		s := one(1, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 1, Heeds: heeds}, 150)
		s.Timeout = 100 * time.Millisecond
		s.Duration = 100 * time.Second
		r := simulate(t, s, leastBusy{new(seen)})
		if got := r.Goodput(); heeds && got < 60 || !heeds && got > 5 {
			t.Errorf("heeds is %v: goodput is %.1f of 100 a second", heeds, got)
		}
	}
}

func TestTheNetworkTakesItsTime(t *testing.T) {
	s := one(1, lbsim.Server{Service: lbsim.Constant(service)}, 10)
	s.Network = time.Millisecond
	if got := simulate(t, s, leastBusy{new(seen)}).Latency.Max(); got != service+time.Millisecond {
		t.Errorf("a call takes %v", got)
	}
}
