package memory

// Faults makes a registry fail as real ones do, for tests of whatever stands on
// it. It is safe for concurrent use.
type Faults struct{ registry *Registry }

// fault is a registry that does not answer. It is immutable.
type fault struct {
	err  error         // what every operation fails with; nil: it hangs
	over chan struct{} // closed when the fault is over
}

// Faults returns the faults of the registry.
func (r *Registry) Faults() Faults { return Faults{r} }

// Outage makes every registration, heartbeat and removal fail with err and every
// watch yield it, until Restore. Data and leases stand still, and each lease is
// renewed when the outage ends. An err made by [sd.Permanent] models refused
// credentials. Outage panics if err is nil.
func (f Faults) Outage(err error) {
	if err == nil {
		panic("memory: Outage: err is nil")
	}
	f.registry.begin(&fault{err: err, over: make(chan struct{})})
}

// Hang makes the registry a black hole until Restore: every registration,
// heartbeat and removal blocks until its context is done, and watches yield
// nothing. Data and leases stand still.
func (f Faults) Hang() { f.registry.begin(&fault{over: make(chan struct{})}) }

// Restore ends an Outage or a Hang. It does nothing if there is none.
func (f Faults) Restore() { f.registry.begin(nil) }

// LoseData takes out every entry of every service, as a registry that restarts
// empty. Living registrants put theirs back.
func (f Faults) LoseData() {
	r := f.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.services {
		for id, p := range s.places {
			s.leave(id, p, errLost)
		}
		s.replace(nil)
	}
}

// Expire ends the lease of an instance before its time, whether it has one or
// not, and reports whether the instance was there. A living registrant puts it
// back.
func (f Faults) Expire(service, id string) bool { return f.vacate(service, id, errExpired) }

// Delete takes an entry out behind its registrant's back, as an operator does, and
// reports whether it was there. A living registrant puts it back.
func (f Faults) Delete(service, id string) bool { return f.vacate(service, id, errDeleted) }

// Kill makes the registrant of an instance die without a word, and reports
// whether there was one. Its heartbeats stop and it never comes back: with a TTL
// the instance is gone after it, without one it stays. To deregister it succeeds
// and removes nothing.
func (f Faults) Kill(service, id string) bool {
	s := f.registry.service(service)
	f.registry.mu.Lock()
	defer f.registry.mu.Unlock()
	p := s.places[id]
	if p == nil || p.owner == nil || p.owner.dead() {
		return false
	}
	close(p.owner.killed)
	return true
}

func (f Faults) vacate(service, id string, why error) bool {
	s := f.registry.service(service)
	f.registry.mu.Lock()
	defer f.registry.mu.Unlock()
	return s.vacate(id, why)
}

// begin replaces the present fault by next, which may be nil.
func (r *Registry) begin(next *fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil && next == nil {
		return
	}
	if r.fault != nil {
		close(r.fault.over)
	}
	r.fault = next
	for _, s := range r.services {
		for _, p := range s.places {
			p.stopLease()
			if p.owner != nil {
				p.owner.renewLocked()
			}
		}
		s.publish(s.now.Load().set, next)
	}
}
