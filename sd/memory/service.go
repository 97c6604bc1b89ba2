package memory

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// service is one service of a registry. What is not atomic is guarded by the
// registry's mutex.
type service struct {
	now    atomic.Pointer[snapshot]
	places map[string]*place      // by ID
	bad    map[string]*unreadable // by ID; immutable, and replaced when it changes
}

// snapshot is what a watch sees at one moment. It is immutable.
type snapshot struct {
	set   []*sd.Instance
	bad   map[string]*unreadable
	fault *fault
	next  chan struct{} // closed when there is a newer snapshot
}

// place is what the registry knows of an ID beside the instance.
type place struct {
	owner   *entry // who put last; nil if nobody keeps it there
	lease   *time.Timer
	vacated chan struct{} // closed when the ID has left the registry
	why     error         // readable once vacated is closed
}

func newService(f *fault) *service {
	s := &service{places: make(map[string]*place)}
	s.now.Store(&snapshot{set: []*sd.Instance{}, fault: f, next: make(chan struct{})})
	return s
}

// owned returns a copy that the caller of the registry cannot write to.
func owned(in sd.Instance) sd.Instance {
	if in.ID == "" {
		in.ID = in.Addr
	}
	in.Meta = maps.Clone(in.Meta)
	return in
}

func (s *service) publish(set []*sd.Instance, f *fault) {
	old := s.now.Swap(&snapshot{set: set, bad: s.bad, fault: f, next: make(chan struct{})})
	close(old.next)
}

// place returns the place of an ID, which it makes if there is none.
func (s *service) place(id string) *place {
	p := s.places[id]
	if p == nil {
		p = &place{vacated: make(chan struct{})}
		s.places[id] = p
	}
	return p
}

// write puts in into the set, or replaces the instance of its ID.
func (s *service) write(in *sd.Instance) {
	now := s.now.Load()
	i, found := find(now.set, in.ID)
	if found && now.set[i].Equal(in) {
		return
	}
	if found {
		set := slices.Clone(now.set)
		set[i] = in
		s.publish(set, now.fault)
		return
	}
	set := make([]*sd.Instance, len(now.set)+1)
	copy(set, now.set[:i])
	set[i] = in
	copy(set[i+1:], now.set[i:])
	s.publish(set, now.fault)
}

// vacate takes an ID out and reports whether it was there.
func (s *service) vacate(id string, why error) bool {
	mended := s.mend(id)
	p := s.places[id]
	if p == nil {
		return mended
	}
	s.leave(id, p, why)
	now := s.now.Load()
	if i, found := find(now.set, id); found {
		set := make([]*sd.Instance, len(now.set)-1)
		copy(set, now.set[:i])
		copy(set[i:], now.set[i+1:])
		s.publish(set, now.fault)
	}
	return true
}

// replace makes listed the whole set in one change.
func (s *service) replace(listed []sd.Instance) {
	now := s.now.Load()
	set := sd.NextSet(now.set, listed)
	for id, p := range s.places {
		if _, found := find(set, id); !found {
			s.leave(id, p, errDeleted)
		}
	}
	for _, in := range set {
		s.place(in.ID)
	}
	if changed(now.set, set) || len(s.bad) > 0 {
		s.bad = nil
		s.publish(set, now.fault)
	}
}

// leave ends a place and wakes its owners. The set is left to the caller.
func (s *service) leave(id string, p *place, why error) {
	p.stopLease()
	delete(s.places, id)
	p.why = why
	close(p.vacated)
}

func (p *place) stopLease() {
	if p.lease != nil {
		p.lease.Stop()
		p.lease = nil
	}
}

func find(set []*sd.Instance, id string) (int, bool) {
	return slices.BinarySearchFunc(set, id, func(in *sd.Instance, id string) int { return strings.Compare(in.ID, id) })
}
