package lbsim

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Run simulates the scenario once. Equal seeds give equal arrivals and sizes of
// calls, and the strategy's chance comes from the seed too, see lb.Seeded. The error
// is that of Validate. Run panics if strategy is nil.
func Run(s *Scenario, strategy lb.Strategy, seed uint64) (*Result, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return newRun(s, strategy, seed).simulate(), nil
}

func (r *run) simulate() *Result {
	r.loop()
	r.Sent = make([]uint64, len(r.Servers))
	for i := range r.Servers {
		for _, st := range r.stations {
			if st.Server == &r.Servers[i] {
				r.Sent[i] = st.calls
			}
		}
	}
	return &r.Result
}

// maxAttempts bounds the list of servers that a call has tried.
const maxAttempts = 4

// epoch is what the clock of the balancers says when the simulation starts.
const epoch = time.Microsecond

// run is a simulation under way.
type run struct {
	*Scenario
	Result
	strategy lb.Strategy
	stations []*station
	clients  []*client
	changes  []time.Duration // when the set changes, ascending
	calls    []attempt
	unused   []int32 // of calls

	admitted       []admitted // of servers with limiters
	unusedAdmitted []int32

	events   events
	arrivals *rand.Rand
	sizes    *rand.Rand
	rest     *rand.Rand // what a strategy's decisions lead to
	contexts []context.Context

	now      time.Duration
	deciding *attempt // for who knows everything
}

// client is one balancer and what it believes.
type client struct {
	nodes    []*sd.Node // of all servers, as this client counts
	live     []*sd.Node // those in the set, by ID
	stations []*station // of the live
	picker   lb.Picker
	observer lb.Observer // the picker, if it observes
	starter  lb.Starter  // the picker, if it wants to know of starts
	tokens   float64     // for retries
}

// attempt is a call under way.
type attempt struct {
	client   *client
	node     *sd.Node
	observer lb.Observer
	ctx      context.Context
	arrived  time.Duration
	start    time.Duration
	deadline time.Duration
	size     float64
	index    int
	number   int
	tried    [maxAttempts]*sd.Node
	result   lb.Result
	late     bool // not awaited any longer
}

func newRun(s *Scenario, strategy lb.Strategy, seed uint64) *run {
	r := &run{
		Scenario: s, strategy: lb.Seeded(strategy, rand.NewPCG(seed, 4)),
		arrivals: rand.New(rand.NewPCG(seed, 1)),
		sizes:    rand.New(rand.NewPCG(seed, 2)),
		rest:     rand.New(rand.NewPCG(seed, 3)),
	}
	r.Measured = s.Duration - s.Skip
	r.contexts = []context.Context{&oracle{context.Background(), r}}
	for k := range s.Keys {
		r.contexts = append(r.contexts, call.With(r.contexts[0], call.Key("key-"+strconv.Itoa(k))))
	}
	var known []*sizes
	for i := range s.Servers {
		srv := &s.Servers[i]
		st := newStation(srv, sizesOf(srv.Service, known))
		known = append(known, st.sizes)
		r.stations = append(r.stations, st)
		r.changes = append(r.changes, srv.Joins)
		if srv.Leaves > 0 {
			r.changes = append(r.changes, srv.Leaves)
		}
	}
	slices.SortFunc(r.stations, func(a, b *station) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(r.changes)
	r.changes = slices.Compact(r.changes)
	for range max(s.Clients, 1) {
		c := &client{tokens: tokenBurst}
		for _, st := range r.stations {
			c.nodes = append(c.nodes, sd.NewNode(&sd.Instance{ID: st.ID, Addr: st.ID, Weight: st.Weight, Zone: st.Zone}))
		}
		r.clients = append(r.clients, c)
	}
	return r
}

// loop advances the time from event to event until no call is under way.
func (r *run) loop() {
	step, arrival := 0, time.Duration(0)
	arrival = r.arrive(0, &step)
	for {
		change := never
		if len(r.changes) > 0 {
			change = r.changes[0]
		}
		switch answer := r.events.next(); {
		case change <= answer && change <= arrival && change != never:
			r.now = change
			r.changes = r.changes[1:]
			r.change()
		case answer <= arrival && answer != never:
			r.now = answer
			if id := r.events.pop().call; id >= 0 {
				r.answer(id)
			} else {
				r.left(^id)
			}
		case arrival != never:
			r.now = arrival
			r.begin()
			arrival = r.arrive(arrival, &step)
		default:
			return
		}
	}
}

// arrive returns when the call after the one at t arrives. At a step of the load
// the wait is drawn anew: it has no memory.
func (r *run) arrive(t time.Duration, step *int) time.Duration {
	for {
		end := r.Duration
		if *step+1 < len(r.Load) {
			end = min(end, r.Load[*step+1].From)
		}
		if rate := r.Load[*step].Rate; rate > 0 {
			if t += time.Duration(r.arrivals.ExpFloat64() / rate * 1e9); t < end {
				return t
			}
		}
		if end == r.Duration {
			return never
		}
		t = end
		*step++
	}
}

// change tells the clients of the set as it is now.
func (r *run) change() {
	for _, c := range r.clients {
		var live []*sd.Node
		c.stations = nil
		for i, st := range r.stations {
			if st.Joins <= r.now && (st.Leaves == 0 || r.now < st.Leaves) {
				live = append(live, c.nodes[i])
				c.stations = append(c.stations, st)
			}
		}
		if c.live = live; len(live) > 0 { // an empty set forgets nothing
			c.picker = r.strategy.Picker(live, c.picker)
			c.observer, _ = c.picker.(lb.Observer)
			c.starter, _ = c.picker.(lb.Starter)
		}
	}
}
