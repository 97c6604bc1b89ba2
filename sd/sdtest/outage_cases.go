package sdtest

import (
	"fmt"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// outageCases are what happens while the registry is away.
var outageCases = []testCase{
	{name: "OutageKeepsTheSet", needs: Outage, joint: true, run: outageKeepsTheSet},
	{name: "OutageOutlastsLeases", needs: Outage, joint: true, run: outageOutlastsLeases},
	{name: "OutageMeetsNewWatch", needs: Outage, joint: true, run: outageMeetsNewWatch},
	{name: "OutageEndsWatches", needs: Outage, looks: true, run: outageEndsWatches},
	{name: "OutageDelaysRegister", needs: Outage, joint: true, run: outageDelaysRegister},
	{name: "OutageBoundsRegister", needs: Outage, joint: true, run: outageBoundsRegister},
	{name: "OutageBoundsUpdate", needs: Outage, joint: true, run: outageBoundsUpdate},
	{name: "OutageBoundsDeregister", needs: Outage, joint: true, run: outageBoundsDeregister},
	{name: "OutageEndsDeregister", needs: Outage, joint: true, run: outageEndsDeregister},
	{name: "Flapping", needs: Outage, run: flapping},
}

// outageKeepsTheSet: an outage is told beside the last set, and its end by a set
// even if that is the same.
func outageKeepsTheSet(s *scene) {
	a, b := s.register(at("a")), s.register(at("b"))
	w := s.watch()
	w.sees("a", "b")
	before, begun := len(w.all()), time.Now()
	restore := s.outage()
	w.errs(before)
	s.took("outage → error", time.Since(begun))
	s.rest(s.h.Quiet)
	w.onlyErrs(before)
	s.Logf("in the outage the watch yielded %d errors, the last: %v", len(w.all())-before, w.last().err)
	restore()
	back := time.Now()
	w.sees("a", "b")
	s.registered(a)
	s.registered(b)
	s.holds("a", "b")
	w.recovered("return → truth", back)
	// The watch is as good as before.
	s.register(at("c"))
	w.sees("a", "b", "c")
}

// outageOutlastsLeases: a registry that was away for longer than its leases may
// truly have lost the living when it is back. Their registrations put them there
// again, and whoever watches through sd.Stabilize never misses one of them.
func outageOutlastsLeases(s *scene) {
	ids := []string{"a", "b", "c"}
	registrations := s.registerAll(ids)
	w, v := s.watch(), s.watchOf(sd.Stabilize(s.Instancer))
	w.sees(ids...)
	v.sees(ids...)
	before, whole := len(w.all()), len(v.all())
	restore := s.outage()
	w.errs(before)
	v.errs(whole)
	s.rest(s.expiry())
	w.onlyErrs(before)
	restore()
	back := time.Now()
	s.rest(s.h.Lease) // what ran out is noticed late
	s.back(back, w, registrations)
	v.neverLacks(whole-1, ids...)
	v.sees(ids...)
}

func (s *scene) registerAll(ids []string) (registrations []*sd.Registration) {
	s.Helper()
	for _, id := range ids {
		registrations = append(registrations, s.register(at(id)))
	}
	return registrations
}

// back waits until all is as it was, and checks how long that took.
func (s *scene) back(since time.Time, w *watcher, registrations []*sd.Registration) {
	s.Helper()
	var ids []string
	for _, r := range registrations {
		s.registered(r)
		ids = append(ids, r.Instance().ID)
	}
	w.sees(ids...)
	s.holds(ids...)
	w.recovered("return → truth", since)
	var last time.Time
	for _, r := range registrations {
		if state := r.State(); state.Since.After(last) {
			last = state.Since
		}
	}
	s.recovered("return → all registered", last.Sub(since))
}

// outageMeetsNewWatch: a client that starts in an outage learns that it knows
// nothing, which is not that there is nobody.
func outageMeetsNewWatch(s *scene) {
	s.register(at("a"))
	s.holds("a")
	restore := s.outage()
	w := s.watch()
	w.errs(0)
	s.rest(s.h.Quiet)
	w.onlyErrs(0)
	restore()
	w.sees("a")
}

func outageEndsWatches(s *scene) {
	s.register(at("a"))
	idle := s.watch()
	idle.sees("a")
	defer s.outage()()
	idle.errs(0)
	s.rest(s.h.Quiet)
	idle.end() // while it waits to try again
	// All at once, for each has to wait until it is told of the outage.
	// What a client or a proxy begins meanwhile, for the registration too, is theirs.
	ctx := s.living()
	s.leavesNobody("break at an error", func() {
		s.returns("loops that break off at an error", s.h.Patience, func() {
			s.each(4, func(int) {
				for range s.Instancer.Watch(ctx) {
					break
				}
			})
		})
	})
}

// flapping: whatever happens in short outages one after the other, the end is the
// truth.
func flapping(s *scene) {
	steady := s.register(at("steady"))
	w := s.watch()
	w.sees("steady")
	want := []string{}
	for i := range 3 {
		restore := s.outage()
		id := fmt.Sprintf("n-%d", i)
		done := make(chan *sd.Registration, 1)
		ctx := s.patient()
		go func() {
			r, err := s.Registrar.Register(ctx, at(id))
			if err != nil {
				s.Errorf("Register of %s: %v", id, err)
			}
			done <- r
		}()
		s.rest(s.h.Quiet / 4)
		restore()
		r := <-done
		if r == nil {
			return
		}
		if i%2 == 0 {
			s.Cleanup(func() { s.deregister(r) })
			want = append(want, id)
			continue
		}
		restore = s.outage()
		_ = s.within("Deregister in an outage", s.h.Quiet/4, r.Deregister)
		restore()
		s.deregister(r)
	}
	want = append(want, "steady")
	s.holds(want...)
	w.sees(want...)
	s.registered(steady)
}
