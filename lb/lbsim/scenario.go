package lbsim

import (
	"errors"
	"fmt"
	"time"
)

// Scenario is what a simulation simulates. It is plain data and is not changed by
// a run; several runs may share it.
type Scenario struct {
	// Name is short and unique: "gc".
	Name string
	// Title says in a line what happens.
	Title string
	// Source says where the parameters come from.
	Source string
	// Gap says what is between the bound and the best that does not know everything.
	Gap string

	Servers []Server
	// Clients is how many independent balancers share the load. Zero means 1.
	Clients int
	// Load is the rate of calls of all clients together, from each step on. Calls
	// arrive independently of each other and of the answers (Poisson).
	Load []Step
	// Duration is how long calls arrive. Those under way are awaited.
	Duration time.Duration
	// Skip is for how long at first nothing is measured. Most scenarios measure
	// all: what a strategy does in the cold matters too.
	Skip time.Duration
	// Timeout is the deadline of each call.
	Timeout time.Duration
	// Network is how long an answer, or a refusal, travels.
	Network time.Duration
	// Attempts is how often a call is tried if it fails before its deadline,
	// each time on another server, as lb.Balancer finds it for a retry: one that is
	// ejected only if it has tried all others. It is tried again at once and within a
	// budget of a fifth of the client's calls. Zero means 1.
	Attempts int
	// Keys is how many balancing keys the calls have, drawn evenly. Zero means
	// that they have none.
	Keys int
}

// Step is a rate of calls a second from some time on.
type Step struct {
	From time.Duration
	Rate float64
}

// Validate returns every fault of the scenario, joined, or nil.
func (s *Scenario) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("lbsim: scenario %q: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Duration <= 0 || s.Timeout <= 0 {
		fault("duration %v and timeout %v must be positive", s.Duration, s.Timeout)
	}
	if s.Skip < 0 || s.Skip >= s.Duration && s.Skip > 0 || s.Network < 0 {
		fault("skip %v and network %v are out of range", s.Skip, s.Network)
	}
	if s.Clients < 0 || s.Attempts < 0 || s.Attempts > maxAttempts || s.Keys < 0 {
		fault("%d clients, %d attempts or %d keys are out of range", s.Clients, s.Attempts, s.Keys)
	}
	if len(s.Load) == 0 || s.Load[0].From != 0 {
		fault("the load must start at 0")
	}
	for i, step := range s.Load {
		if i > 0 && step.From <= s.Load[i-1].From || !(step.Rate >= 0 && step.Rate <= 1e9) {
			fault("step %d of the load is out of range: %+v", i, step)
		}
	}
	if len(s.Servers) == 0 {
		fault("there is no server")
	}
	seen := map[string]bool{}
	for i := range s.Servers {
		if err := s.Servers[i].validate(); err != nil {
			fault("%w", err)
		}
		if id := s.Servers[i].ID; seen[id] {
			fault("two servers are %q", id)
		}
		seen[s.Servers[i].ID] = true
	}
	return errors.Join(faults...)
}
