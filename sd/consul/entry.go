package consul

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// entry is one registration with the agent; [sd.Keep] drives it.
type entry struct {
	registrar *Registrar
	nonce     string
	since     time.Time

	put     *api.AgentServiceRegistration // the last, nil before the first
	checkID string                        // of its TTL check
	known   string                        // the TTL check that the agent knew last
	fused   bool                          // the TTL check is a fuse, which is still there
	doubted bool                          // the last attempt to register has no known outcome
	stands  *sd.Instance                  // what the agent took, or may have taken
	doubts  int                           // how many Puts had no known outcome
	renewed time.Time                     // when the agent last heard of us
}

// answerWithin is what the agent may take for a change. It answers from memory, and a
// connection that swallows everything must leave time for another.
const answerWithin = 5 * time.Second

// Put asks first whether there is anything to do: a heartbeat costs the agent nothing,
// and to register costs it work that grows with all that it has. If thousands did that
// only because the agent had been slow, it would be slow for ever.
//
// It asks too before it replaces what may stand or not: else nobody would know the name
// of the check that is there, or take its fuse out, while the agent takes nothing new.
func (e *entry) Put(ctx context.Context, in sd.Instance) error {
	same := e.stands != nil && e.stands.Equal(&in)
	if same || e.stands != nil && e.doubted {
		start := time.Now()
		err := e.renew(ctx)
		if err == nil {
			e.renewed, e.known, e.doubted = start, e.checkID, false
		}
		switch {
		case err == nil && same:
			return nil
		case err != nil && !forgotten(err):
			return fmt.Errorf("consul: %w", err)
		}
	}
	return e.register(ctx, in)
}

// register writes under a new name for the TTL check after a request whose outcome is
// not known. Such a one may yet reach the agent, after a later one even, and undo it.
// Where a heartbeat, or the removal of the fuse, finds the name, the request that brought
// it stands; where it does not, another does, or none.
func (e *entry) register(ctx context.Context, in sd.Instance) error {
	before := e.checkID
	registration, err := e.registration(in)
	if err != nil {
		return sd.Permanent(err)
	}
	maintenance, err := e.maintenance(ctx)
	if err != nil {
		e.checkID = before // that of the last request
		return fmt.Errorf("consul: %w", err)
	}
	registration.Checks = append(registration.Checks, maintenance...)
	e.put, e.stands, e.fused = registration, &in, e.registrar.options.check != nil
	start := time.Now()
	registering, cancel := ctx, func() {}
	if !e.doubted {
		// Once only: an agent that is slow, and no dead connection, would have to do
		// it again and again.
		registering, cancel = context.WithTimeout(ctx, answerWithin)
	}
	defer cancel()
	err = e.registrar.agent.ServiceRegisterOpts(registration,
		api.ServiceRegisterOpts{ReplaceExistingChecks: true}.WithContext(registering))
	if err == nil && (e.fused || e.checkID == before) {
		// A fuse has to go, and a check that the agent knew keeps its state and may
		// have expired.
		err = e.renew(ctx)
	}
	e.doubted = err != nil
	switch {
	case err == nil:
		e.renewed, e.known = start, e.checkID
		return nil
	case refused(err):
		e.stands = nil
		return sd.Permanent(fmt.Errorf("consul: %w", err))
	}
	if e.checkID == before { // an earlier request brought the name, which proves nothing
		e.stands = nil
	}
	e.doubts++
	return fmt.Errorf("consul: %w", err)
}

// Hold returns once the agent has forgotten the instance, or shows another than was
// put, or was not reached for a whole TTL. The agent then has it as critical. Where the
// last Put has failed it renews what that has left, or else what stood before.
func (e *entry) Hold(ctx context.Context) error {
	ttl := e.registrar.options.ttl
	for failures := 0; ; {
		if err := e.pause(ctx, failures); err != nil {
			return err
		}
		start := time.Now()
		name, err := e.checkID, e.renew(ctx)
		if e.doubted && forgotten(err) {
			name, err = e.known, e.renewFormer(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			e.renewed, e.known = start, name
			failures = 0
		case forgotten(err), time.Since(e.renewed) >= ttl:
			return fmt.Errorf("consul: %w", err)
		default:
			failures++
		}
	}
}

// pause waits until the next heartbeat is due: a third of the TTL after the last, less
// some jitter, so that those who registered together do not go on together. A Hold that
// is interrupted over and over, as beside a Put that fails, does not put it off.
func (e *entry) pause(ctx context.Context, failures int) error {
	third := e.registrar.options.ttl / 3
	if failures > 0 {
		return sd.Backoff{Cap: third}.Wait(ctx, failures)
	}
	return sleep(ctx, time.Until(e.renewed.Add(third-rand.N(third/4))))
}

// renew sends a heartbeat, or if Consul makes the checks asks for the service, once the
// fuse is out.
func (e *entry) renew(ctx context.Context) error {
	// Two connections that swallow everything must leave time for a third.
	ctx, cancel := context.WithTimeout(ctx, e.registrar.options.ttl/4)
	defer cancel()
	agent, options := e.registrar.agent, new(api.QueryOptions).WithContext(ctx)
	if e.registrar.options.check == nil {
		return agent.UpdateTTLOpts(e.checkID, "", api.HealthPassing, options)
	}
	if e.fused {
		err := agent.CheckDeregisterOpts(e.checkID, options)
		e.fused = err != nil
		return err
	}
	there, _, err := agent.Service(e.put.ID, options)
	if err == nil && !e.shows(there) {
		return errOverwritten
	}
	return err
}

// renewFormer is renew for what stood before a registration that the agent has not got.
func (e *entry) renewFormer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.registrar.options.ttl/4)
	defer cancel()
	agent, options := e.registrar.agent, new(api.QueryOptions).WithContext(ctx)
	if e.registrar.options.check == nil {
		return agent.UpdateTTLOpts(e.known, "", api.HealthPassing, options)
	}
	_, _, err := agent.Service(e.put.ID, options)
	return err
}

func (e *entry) shows(s *api.AgentService) bool {
	return s != nil && s.Address == e.put.Address && s.Port == e.put.Port &&
		s.Weights.Passing == e.put.Weights.Passing && maps.Equal(s.Meta, e.put.Meta)
}

// Remove cannot hit another registration: nobody else has this ID. It tries three times,
// for a connection that stood idle over a restart of the agent, or is dead, fails at its
// next use, and whoever deregisters is about to end.
func (e *entry) Remove(ctx context.Context) (err error) {
	if e.put == nil {
		return nil
	}
	for tries := 3; tries > 0; tries-- {
		err = e.deregister(ctx, tries)
		if err == nil || forgotten(err) {
			return nil
		}
		if refused(err) || tries == 1 || (sd.Backoff{}).Wait(ctx, 4-tries) != nil {
			break
		}
	}
	return fmt.Errorf("consul: %w", err)
}

// deregister leaves time for as many tries as there are. The last ends with ctx, whose
// cause then says why.
func (e *entry) deregister(ctx context.Context, tries int) error {
	if tries > 1 {
		bound := answerWithin
		if deadline, ok := ctx.Deadline(); ok {
			bound = min(bound, time.Until(deadline)/time.Duration(tries))
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bound)
		defer cancel()
	}
	return e.registrar.agent.ServiceDeregisterOpts(e.put.ID, new(api.QueryOptions).WithContext(ctx))
}
