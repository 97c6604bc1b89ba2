package sdtest

import "github.com/dowelkit/dowel/sd"

// lossCases are how registrations heal when the registry has lost them, and how
// those of the dead do not.
var lossCases = []testCase{
	{name: "LostData", needs: LoseData, run: func(s *scene) { heals(s, func() { s.LoseData(s.T) }) }},
	{name: "Expired", needs: Expire, run: func(s *scene) { heals(s, func() { s.Expire(s.T, "b") }) }},
	{name: "Deleted", needs: Delete, run: func(s *scene) { heals(s, func() { s.Delete(s.T, "b") }) }},
	{name: "LostAgain", needs: LoseData, run: lostAgain},
	{name: "DeregisteredStaysLost", needs: LoseData, run: deregisteredStaysLost},
	{name: "Killed", needs: Kill, run: killed},
}

func heals(s *scene, lose func()) {
	a, b := s.register(at("a")), s.register(at("b"))
	w := s.watch()
	w.sees("a", "b")
	lose()
	s.holds("a", "b")
	w.sees("a", "b")
	s.registered(a)
	s.registered(b)
	// It is as good as before.
	before := len(w.all())
	s.rest(2 * s.h.Lease)
	s.holds("a", "b")
	if len(w.all()) != before {
		s.Errorf("in twice the time of a lease what had healed changed: %s", w.story())
	}
	in := at("b")
	in.Weight = 6
	s.update(b, in)
	w.seesThat("b", "the new weight", func(in *sd.Instance) bool { return in.Weight == 6 })
	s.deregister(b)
	w.sees("a")
	s.holds("a")
}

func lostAgain(s *scene) {
	s.register(at("a"))
	w := s.watch()
	for range 3 {
		s.LoseData(s.T)
		s.holds("a")
	}
	w.sees("a")
}

func deregisteredStaysLost(s *scene) {
	r := s.register(at("a"))
	s.register(at("b"))
	s.LoseData(s.T)
	s.deregister(r)
	s.holds("b")
	s.rest(2 * s.h.Lease)
	s.holds("b")
}

func killed(s *scene) {
	s.register(at("a"), at("b"))
	w := s.watch()
	w.sees("a", "b")
	s.Kill(s.T, "b")
	s.holds("a")
	w.sees("a")
}
