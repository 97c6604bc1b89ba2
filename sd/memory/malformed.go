package memory

import (
	"errors"
	"maps"
	"slices"
)

// unreadable is an entry of which no instance can be made.
type unreadable struct{ err error }

// Malform puts an entry under an ID that watches cannot read and of which they
// report err, once each. An instance of that ID is replaced, and put back by its
// registrant if that lives. Delete takes the entry out, and so does a
// registration of the ID. Malform panics if err is nil.
func (f Faults) Malform(service, id string, err error) {
	if err == nil {
		panic("memory: Malform: err is nil")
	}
	s := f.registry.service(service)
	f.registry.mu.Lock()
	defer f.registry.mu.Unlock()
	s.vacate(id, errMalformed)
	bad := make(map[string]*unreadable)
	maps.Copy(bad, s.bad)
	bad[id] = &unreadable{err}
	s.bad = bad
	now := s.now.Load()
	s.publish(now.set, now.fault)
}

// mend takes the malformed entry of an ID out and reports whether there was one.
func (s *service) mend(id string) bool {
	if s.bad[id] == nil {
		return false
	}
	s.bad = maps.Clone(s.bad)
	delete(s.bad, id)
	now := s.now.Load()
	s.publish(now.set, now.fault)
	return true
}

// unread is what one watch has reported.
type unread map[string]*unreadable

// news returns the errors of the entries that were not reported yet, joined, in
// the order of their IDs.
func (u *unread) news(bad map[string]*unreadable) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(bad)) {
		if (*u)[id] != bad[id] {
			errs = append(errs, bad[id].err)
		}
	}
	*u = bad
	return errors.Join(errs...)
}
