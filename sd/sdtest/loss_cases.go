package sdtest

import (
	"time"

	"github.com/dowelkit/dowel/sd"
)

// lossCases are how registrations heal when the registry has lost them, and how
// those of the dead do not.
var lossCases = []testCase{
	{name: "LostData", needs: LoseData, joint: true, run: func(s *scene) { heals(s, s.lose) }},
	{name: "Expired", needs: Expire, run: func(s *scene) { heals(s, func() { s.Expire(s.T, "b") }) }},
	{name: "Deleted", needs: Delete, run: func(s *scene) { heals(s, func() { s.Delete(s.T, "b") }) }},
	{name: "LostDataStabilized", needs: LoseData, joint: true, run: lostDataStabilized},
	{name: "LostAgain", needs: LoseData, run: lostAgain},
	{name: "DeregisteredStaysLost", needs: LoseData, joint: true, run: deregisteredStaysLost},
	{name: "Killed", needs: Kill, run: killed},
	{name: "ProcessKilled", needs: Process, run: processKilled},
}

func heals(s *scene, lose func()) {
	a, b := s.register(at("a")), s.register(at("b"))
	w := s.watch()
	w.sees("a", "b")
	lose()
	lost := time.Now()
	s.holds("a", "b")
	s.back(lost, w, []*sd.Registration{a, b})
	// It is as good as before.
	before := len(w.all())
	s.rest(s.expiry())
	s.holds("a", "b")
	if w.changed(before) {
		s.Errorf("in the time of a lease what had healed changed: %s", w.story())
	}
	in := at("b")
	in.Weight = 6
	s.update(b, in)
	w.seesThat("b", "the new weight", func(in *sd.Instance) bool { return in.Weight == 6 })
	s.deregister(b)
	w.sees("a")
	s.holds("a")
}

// lostDataStabilized: a registry that restarts empty truly says that nobody is
// there. Through sd.Stabilize nobody is missed while all come back.
func lostDataStabilized(s *scene) {
	ids := []string{"a", "b", "c"}
	registrations := s.registerAll(ids)
	w, v := s.watch(), s.watchOf(sd.Stabilize(s.Instancer))
	w.sees(ids...)
	v.sees(ids...)
	whole := len(v.all())
	s.lose()
	s.back(time.Now(), w, registrations)
	v.neverLacks(whole-1, ids...)
	v.sees(ids...)
}

func lostAgain(s *scene) {
	s.register(at("a"))
	w := s.watch()
	for range 2 {
		s.lose()
		s.holds("a")
	}
	w.sees("a")
}

func deregisteredStaysLost(s *scene) {
	r := s.register(at("a"))
	s.register(at("b"))
	s.lose()
	s.deregister(r)
	s.holds("b")
	s.rest(s.expiry())
	s.holds("b")
}

func killed(s *scene) {
	s.register(at("a"), at("b"))
	w := s.watch()
	w.sees("a", "b")
	s.death(w, func() { s.Kill(s.T, "b") })
	s.holds("a")
	w.sees("a")
}

// processKilled: of a process nothing is left that could say a word, as little as of
// its connections.
func processKilled(s *scene) {
	s.register(at("a"))
	w := s.watch()
	kill := s.start(at("b"))
	w.sees("a", "b")
	s.death(w, kill)
	s.holds("a")
	w.sees("a")
}

// slack is what a registry's bound may be exceeded by, for what is on its way.
const slack = time.Second / 2

// death waits until nobody but a is there, and checks that this does not take longer
// than a lease.
func (s *scene) death(w *watcher, kill func()) {
	s.Helper()
	kill()
	dead := time.Now()
	w.sees("a")
	gone := w.last().at.Sub(dead)
	s.took("death → gone", gone)
	if gone > s.h.Lease+slack {
		s.Errorf("%v after its registrant died an instance was there; want %v", gone, s.h.Lease)
	}
}
