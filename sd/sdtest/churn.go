package sdtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// churn is a service whose instances come, go and change by a way that is not
// cut, beside some that are cut off.
type churn struct {
	s     *scene
	truth map[string]sd.Instance // what the registry is to hold
	peers []*sd.Registration     // registered by Peer
	mine  []*sd.Registration     // registered by Registrar
	turns int
}

// churners is how many instances churn, and insiders how many of those that are
// cut off are there at least.
const (
	churners = 200
	insiders = 8
)

func newChurn(s *scene) *churn {
	c := &churn{s: s, truth: make(map[string]sd.Instance)}
	c.mine = c.arrive(s.Registrar, "mine", insiders)
	c.peers = c.arrive(s.Peer, "peer", churners)
	return c
}

// arrive registers n instances for the length of the case.
func (c *churn) arrive(registrar sd.Registrar, name string, n int) []*sd.Registration {
	c.s.Helper()
	arrived := make([]*sd.Registration, n)
	c.s.each(n, func(i int) {
		in := at(fmt.Sprintf("%s-%d-%03d", name, c.turns, i))
		r, err := registrar.Register(c.s.patient(), in)
		if err != nil {
			c.s.Errorf("Register of %s: %v", in.ID, err)
		}
		arrived[i] = r
	})
	arrived = slices.DeleteFunc(arrived, func(r *sd.Registration) bool { return r == nil })
	for _, r := range arrived {
		c.truth[r.Instance().ID] = r.Instance()
	}
	c.s.Cleanup(func() {
		c.s.each(len(arrived), func(i int) { c.s.deregister(arrived[i]) })
	})
	return arrived
}

// turn lets a quarter of the peers go, as many come, and half of them change.
func (c *churn) turn() {
	c.s.Helper()
	c.turns++
	c.s.each(len(c.peers), func(i int) {
		r := c.peers[i]
		switch i % 4 {
		case 0:
			c.s.deregister(r)
		case 1:
			c.s.update(r, c.changed(r.Instance()))
		case 2:
			in := r.Instance()
			in.Meta = map[string]string{"turn": fmt.Sprint(c.turns)}
			c.s.update(r, in)
		}
	})
	var stay []*sd.Registration
	for i, r := range c.peers {
		in := r.Instance()
		if i%4 == 0 {
			delete(c.truth, in.ID)
			continue
		}
		c.truth[in.ID] = in
		stay = append(stay, r)
	}
	c.peers = append(c.arrive(c.s.Peer, "peer", len(c.peers)-len(stay)), stay...)
}

func (c *churn) changed(in sd.Instance) sd.Instance {
	in.Weight = 10*c.turns + 2
	return in
}

// cutOff lets one of those that are cut off change, one leave and one come. The
// returned function waits until they have.
func (c *churn) cutOff(round int) (wait func()) {
	c.s.Helper()
	changing, leaving := c.mine[0], c.mine[1+round]
	in := c.changed(changing.Instance())
	in.Weight += 1000 * (round + 1)
	c.truth[in.ID] = in
	delete(c.truth, leaving.Instance().ID)
	came := at(fmt.Sprintf("mine-came-%d", round))
	c.truth[came.ID] = came
	ctx := c.s.patient()
	var calls sync.WaitGroup
	calls.Go(func() {
		if err := changing.Update(ctx, in); err != nil {
			c.s.Errorf("Update in a cut that is healed: %v", err)
		}
	})
	calls.Go(func() {
		_ = c.s.within("Deregister in a cut", c.s.h.Quiet/2, leaving.Deregister) // and again later
	})
	calls.Go(func() {
		r, err := c.s.Registrar.Register(ctx, came)
		if err != nil {
			c.s.Errorf("Register in a cut that is healed: %v", err)
			return
		}
		c.s.Cleanup(func() { c.s.deregister(r) })
	})
	return func() {
		c.s.Helper()
		calls.Wait()
		c.s.deregister(leaving)
	}
}

// seesExactly waits until the last set is that of want and no other, in every
// field.
func (w *watcher) seesExactly(want map[string]sd.Instance) {
	w.s.Helper()
	differs, seen := "nothing was yielded", 0
	w.s.eventually("the watch sees the truth", func() bool {
		events := w.all()
		if len(events) == seen {
			return false
		}
		seen = len(events)
		last := events[seen-1]
		if differs = "the last is " + last.String(); last.err == nil {
			differs = difference(last.set, want)
		}
		return differs == ""
	}, func() string { return differs })
}

func difference(set []*sd.Instance, want map[string]sd.Instance) string {
	missing := maps.Clone(want)
	var faults []string
	for _, in := range set {
		truth, there := want[in.ID]
		delete(missing, in.ID)
		// Zero and one say the same, and few registries tell them apart.
		got := *in
		got.Weight, truth.Weight = max(1, got.Weight), max(1, truth.Weight)
		switch {
		case !there:
			faults = append(faults, in.ID+" is a ghost")
		case !got.Equal(&truth):
			faults = append(faults, fmt.Sprintf("%+v is stale; want %+v", *in, truth))
		}
	}
	for id := range missing {
		faults = append(faults, id+" is missing")
	}
	slices.Sort(faults)
	if len(faults) > 8 {
		faults = append(faults[:8], fmt.Sprintf("and %d faults more", len(faults)-8))
	}
	return strings.Join(faults, ", ")
}
