package sdtest

import (
	"maps"
	"slices"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// malformedCases are what others write where instances should be.
var malformedCases = []testCase{
	{name: "MalformedIsLeftOut", needs: Malformed, run: malformedIsLeftOut},
	{name: "MalformedAtFirst", needs: Malformed, once: true, run: malformedAtFirst},
}

// plant writes a malformed entry. It is taken out by the returned function, or
// with the case.
func (s *scene) plant(kind string) (remove func()) {
	s.Helper()
	remove = sync.OnceFunc(s.Malformed[kind](s.T))
	s.Cleanup(remove)
	return remove
}

// malformedIsLeftOut: an entry that cannot be read is one error, and the sets are
// those of the others.
func malformedIsLeftOut(s *scene) {
	in := at("a")
	r := s.register(in)
	w := s.watch()
	w.sees("a")
	before := len(w.all())
	remove := s.plant(s.kind)
	w.errs(before)
	w.sees("a")
	s.Logf("of the malformed entry the watch says: %v", w.failures()[0])
	reported := len(w.failures())
	s.register(at("b"))
	w.sees("a", "b")
	in.Weight = 5
	s.update(r, in)
	w.seesThat("a", "the new weight", func(in *sd.Instance) bool { return in.Weight == 5 })
	s.rest(s.h.Quiet)
	remove()
	s.register(at("c"))
	w.sees("a", "b", "c")
	s.rest(s.h.Quiet)
	if n := len(w.failures()); reported != 1 || n != 1 {
		s.Errorf("a malformed entry is reported %d times, and %d times more: %s", reported, n-reported, w.story())
	}
}

// malformedAtFirst: a watch that begins among malformed entries finds the others.
func malformedAtFirst(s *scene) {
	s.register(at("a"))
	s.holds("a")
	for _, kind := range slices.Sorted(maps.Keys(s.Malformed)) {
		s.plant(kind)
	}
	w := s.watch()
	w.sees("a")
	if len(w.failures()) == 0 {
		s.Errorf("a new watch says nothing of malformed entries: %s", w.story())
	}
	s.rest(s.h.Quiet)
	reported := len(w.failures())
	s.register(at("b"))
	w.sees("a", "b")
	if n := len(w.failures()); n != reported {
		s.Errorf("malformed entries are reported again: %s", w.story())
	}
}

// failures returns the errors that were yielded so far.
func (w *watcher) failures() (errs []error) {
	for _, e := range w.all() {
		if e.err != nil {
			errs = append(errs, e.err)
		}
	}
	return errs
}
