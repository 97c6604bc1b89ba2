package lbsim_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
	"github.com/dowelkit/dowel/sd"
)

// insisting is a strategy that picks the first of the nodes that it sees.
type insisting struct{}

func (insisting) Picker([]*sd.Node, lb.Picker) lb.Picker  { return insisting{} }
func (insisting) Pick(context.Context, time.Duration) int { return 0 }

// insistent is a scenario of servers that refuse at times, each as it is said.
func insistent(refuse ...lbsim.Trouble) *lbsim.Scenario {
	s := one(len(refuse), lbsim.Server{Service: lbsim.Constant(service)}, 100)
	s.Duration, s.Attempts = 100*time.Second, 2
	for i := range refuse {
		refuse[i].Kind = lbsim.Refuse
		s.Servers[i].Troubles = refuse[i : i+1]
	}
	return s
}

// A retry goes to a server that is well if there is one, though the strategy insists on the
// one that has been tried.
func TestRetriesPassOverWhoIsEjected(t *testing.T) {
	always, never := lbsim.Trouble{}, lbsim.Trouble{From: time.Hour}
	s := insistent(always, always, always, never)
	// Two of four may be out: a and b. Then c, on which it insists, refuses all.
	strategy := lb.Eject(insisting{}, lb.EjectTime(time.Hour, time.Hour), lb.PanicThreshold(0))
	r := simulate(t, s, strategy)
	if early := r.Sent[0] + r.Sent[1]; early > 50 || r.Retries < 1000 {
		t.Errorf("%d of %d attempts, %d retries among them, went to those that are ejected: %v", early, r.Calls+r.Retries, r.Retries, r.Sent)
	}
	if r.Served < r.Retries-50 {
		t.Errorf("%d of %d retries are served", r.Served, r.Retries)
	}
}

// One that is ejected is the last resort.
func TestRetriesGoToWhoIsEjectedIfTheyMust(t *testing.T) {
	s := insistent(lbsim.Trouble{For: time.Second}, lbsim.Trouble{From: time.Second})
	strategy := lb.Eject(insisting{}, lb.EjectTime(time.Hour, time.Hour), lb.PanicThreshold(0))
	r := simulate(t, s, strategy)
	// a is out after its first second, and has recovered.
	if r.Retries < 1000 || r.Served < r.Retries || r.Sent[0] < 1000 {
		t.Errorf("%d of %d are served with %d retries, and the attempts are %v", r.Served, r.Calls, r.Retries, r.Sent)
	}
}

// tried is a strategy that notes what the calls say of themselves.
type tried struct {
	attempts *[]int
	avoids   *[]bool
}

func (s tried) Picker([]*sd.Node, lb.Picker) lb.Picker { return s }

func (s tried) Pick(ctx context.Context, _ time.Duration) int {
	c := call.From(ctx)
	*s.attempts = append(*s.attempts, c.Attempt())
	*s.avoids = append(*s.avoids, c.Avoided("a") && !c.Avoided("b"))
	return c.Attempt() - 1
}

// A strategy sees of a retry what it would see of one in a balancer.
func TestRetriesSayWhatTheyAvoid(t *testing.T) {
	s := insistent(lbsim.Trouble{}, lbsim.Trouble{From: time.Hour})
	s.Load[0].Rate, s.Duration, s.Timeout = 1, 2*time.Second, time.Second
	s.Keys = 3
	attempts, avoids := []int{}, []bool{}
	r := simulate(t, s, tried{&attempts, &avoids})
	if r.Calls == 0 || r.Served != r.Calls || int(r.Calls+r.Retries) != len(attempts) {
		t.Fatalf("%d of %d calls are served, by attempts %v", r.Served, r.Calls, attempts)
	}
	for k, again := range avoids {
		if attempts[k] != 1+k%2 || again != (k%2 == 1) {
			t.Errorf("the attempts are %v, and avoid a: %v", attempts, avoids)
		}
	}
	if !slices.Contains(avoids, true) {
		t.Error("there was no retry")
	}
}
