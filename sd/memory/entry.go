package memory

import (
	"context"
	"errors"
	"time"

	"github.com/dowelkit/dowel/sd"
)

var (
	errExpired = errors.New("memory: the lease has expired")
	errDeleted = errors.New("memory: an operator deleted the entry")
	errLost    = errors.New("memory: the registry lost its data")
	errRemoved = errors.New("memory: a successor removed the entry")

	errMalformed = errors.New("memory: the entry was overwritten")
)

// entry is one registrant's side of a place; [sd.Keep] drives it.
type entry struct {
	client  *Client
	service *service
	ttl     time.Duration
	killed  chan struct{} // closed when the registrant is to be dead

	id    string // what Put wrote, and where
	place *place
	since int  // its rank among the registrants by first Put; 0 before that
	lost  bool // Hold ended because the entry was lost
}

// Put takes over a place that another registrant holds, as a restarted process
// does with what its predecessor left. But a predecessor that lost its entry, in an
// outage say, leaves the place to a successor that came meanwhile.
func (e *entry) Put(ctx context.Context, in sd.Instance) error {
	if e.dead() {
		<-ctx.Done()
		return ctx.Err()
	}
	return e.client.do(ctx, func() { e.putLocked(&in) })
}

func (e *entry) putLocked(in *sd.Instance) {
	if r := e.client.registry; e.since == 0 {
		r.registrants++
		e.since = r.registrants
	}
	e.id, e.place = in.ID, e.service.place(in.ID)
	if o := e.place.owner; e.lost && o != nil && o.since > e.since {
		return
	}
	e.place.owner = e
	e.renewLocked()
	e.service.mend(in.ID)
	e.service.write(in)
}

// Hold renews the lease. That a successor took the place is no loss: to take it
// back would begin a fight without end. So whoever was replaced waits until the
// place is vacated.
func (e *entry) Hold(ctx context.Context) error {
	defer func() { e.lost = ctx.Err() == nil }()
	// No ticker: of those whose beats went off while they were out, many at once find
	// that they did, and in a bubble of synctest the race detector cannot bear that
	// (go.dev/issue/78156).
	var beat *time.Timer
	var due <-chan time.Time
	if e.ttl > 0 {
		beat = time.NewTimer(max(1, e.ttl/3))
		defer beat.Stop()
		due = beat.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.killed:
			<-ctx.Done()
			return ctx.Err()
		case <-e.place.vacated:
			return e.place.why
		case <-due:
			if err := e.renew(ctx); err != nil {
				return err
			}
			beat.Reset(max(1, e.ttl/3))
		}
	}
}

// Remove leaves a place alone that has changed hands.
func (e *entry) Remove(ctx context.Context) error {
	if e.dead() {
		return nil
	}
	return e.client.do(ctx, func() {
		if e.holds() {
			e.service.vacate(e.id, errRemoved)
		}
	})
}

// renew is bounded by the TTL: a heartbeat that takes longer has failed.
func (e *entry) renew(ctx context.Context) error {
	if e.replaced() {
		return nil // an outage is no concern of it
	}
	ctx, cancel := context.WithTimeout(ctx, e.ttl)
	defer cancel()
	return e.client.do(ctx, func() {
		if e.holds() && !e.dead() {
			e.renewLocked()
		}
	})
}

// renewLocked starts the lease of the place again. While the registry fails, time
// stands still for its leases.
func (e *entry) renewLocked() {
	p := e.place
	p.stopLease()
	if e.ttl <= 0 || e.client.registry.fault != nil {
		return
	}
	var lease *time.Timer
	lease = time.AfterFunc(e.ttl, func() {
		e.client.registry.mu.Lock()
		defer e.client.registry.mu.Unlock()
		// A timer that was stopped too late finds another lease.
		if p.lease == lease {
			e.service.vacate(e.id, errExpired)
		}
	})
	p.lease = lease
}

func (e *entry) replaced() bool {
	e.client.registry.mu.Lock()
	defer e.client.registry.mu.Unlock()
	return !e.holds()
}

// holds needs the registry's mutex.
func (e *entry) holds() bool {
	return e.place != nil && e.place.owner == e && e.service.places[e.id] == e.place
}

func (e *entry) dead() bool {
	select {
	case <-e.killed:
		return true
	default:
		return false
	}
}
