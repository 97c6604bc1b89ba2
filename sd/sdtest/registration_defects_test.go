package sdtest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/sdtest"
)

var errLost = errors.New("lost")

// place is an sd.Entry whose every step can be spoiled.
type place struct {
	registry *memory.Registry
	service  string
	ttl      time.Duration
	id       string
	put      func(ctx context.Context, p *place, in sd.Instance) error
	hold     func(ctx context.Context, p *place) error
	remove   func(ctx context.Context, p *place) error
}

func (p *place) Put(ctx context.Context, in sd.Instance) error { return p.put(ctx, p, in) }
func (p *place) Hold(ctx context.Context) error                { return p.hold(ctx, p) }
func (p *place) Remove(ctx context.Context) error              { return p.remove(ctx, p) }

var writing sync.Mutex

func write(ctx context.Context, p *place, in sd.Instance) error {
	writing.Lock()
	defer writing.Unlock()
	for set, err := range p.registry.Instancer(p.service).Watch(ctx) {
		if err != nil {
			return err
		}
		p.id = in.ID
		next := []sd.Instance{in}
		for _, old := range set {
			if old.ID != in.ID {
				next = append(next, *old)
			}
		}
		if p.ttl > 0 {
			time.AfterFunc(p.ttl, func() { p.registry.Faults().Delete(p.service, in.ID) })
		}
		return p.registry.Set(p.service, next...)
	}
	return ctx.Err()
}

func wait(ctx context.Context, _ *place) error { <-ctx.Done(); return ctx.Err() }

// heal asks once a second whether the instance is still there.
func heal(ctx context.Context, p *place) error {
	for ctx.Err() == nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		for set, err := range p.registry.Instancer(p.service).Watch(ctx) {
			if err == nil && !slices.ContainsFunc(set, func(in *sd.Instance) bool { return in.ID == p.id }) {
				return errLost
			}
			break
		}
	}
	return ctx.Err()
}

func remove(_ context.Context, p *place) error {
	p.registry.Faults().Delete(p.service, p.id)
	return nil
}

// placing makes a defect of a place that knows nothing but to write, to wait and
// to remove whoever is there, changed by change.
func placing(change func(*place)) func(*memory.Registry, string, *sdtest.Service) {
	return func(r *memory.Registry, service string, s *sdtest.Service) {
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			p := &place{registry: r, service: service, put: write, hold: wait, remove: remove}
			change(p)
			return sd.Keep(ctx, in, p)
		})
	}
}

var registrationDefects = []defect{
	{"deregisters a successor", "Successor", "is not so", placing(func(*place) {})},
	{"deregisters a successor that comes back", "Successor", "touched the successor", placing(func(p *place) {
		p.hold = heal
	})},
	{"takes out what it put back", "Deleted", "what had healed changed", placing(func(p *place) {
		p.ttl, p.hold = ttl, heal
	})},
	{"does not see lost data", "LostData", "is not so", placing(func(*place) {})},
	{"does not see an expired session", "Expired", "is not so", placing(func(*place) {})},
	{"does not see a deletion", "Deleted", "is not so", placing(func(*place) {})},
	{"sees lost data once", "LostAgain", "is not so", placing(func(p *place) {
		seen := false
		p.hold = func(ctx context.Context, p *place) error {
			if seen {
				return wait(ctx, p)
			}
			err := heal(ctx, p)
			seen = errors.Is(err, errLost)
			return err
		}
	})},
	{"comes back after it was deregistered", "DeregisteredStaysLost", "and a while later|is not so", placing(func(p *place) {
		p.remove = func(ctx context.Context, p *place) error {
			time.AfterFunc(time.Second, func() { _ = write(context.Background(), p, sd.Instance{ID: p.id, Addr: "h:1"}) })
			return nil
		}
	})},
	{"gives up Register in an outage", "OutageDelaysRegister", "want it to wait", placing(func(p *place) {
		p.put = func(ctx context.Context, p *place, in sd.Instance) error { return sd.Permanent(write(ctx, p, in)) }
	})},
	{"drops an update in an outage", "OutageBoundsUpdate", "in the outage Update returns <nil>", placing(func(p *place) {
		p.put = func(ctx context.Context, p *place, in sd.Instance) error {
			if err := write(ctx, p, in); p.id == "" {
				return err
			}
			return nil // for it is there already
		}
	})},
	{"registers one at a time", "ConcurrentUse", "Register of i-", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner, busy := s.Registrar, new(atomic.Bool)
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			if !busy.CompareAndSwap(false, true) {
				return nil, errDown
			}
			defer busy.Store(false)
			time.Sleep(time.Second)
			return inner.Register(ctx, in)
		})
	}},
	{"does not renew its lease", "RegistrationsAreRenewed", "is not so", placing(func(p *place) { p.ttl = ttl })},
	{"lets the dead stay", "Killed", "is not so", func(r *memory.Registry, service string, s *sdtest.Service) {
		s.Registrar = r.Registrar(service) // no TTL
	}},
	{"does not remove", "RegisterAndDeregister", "is not so", placing(func(p *place) {
		p.remove = func(context.Context, *place) error { return nil }
	})},
	{"does not write updates", "Update", "is not so", placing(func(p *place) {
		p.put = func(ctx context.Context, p *place, in sd.Instance) error {
			if p.id != "" {
				return nil
			}
			return write(ctx, p, in)
		}
	})},
	{"writes the caller's meta again", "MetaIsCopied", "not what the caller wrote", func(r *memory.Registry, service string, s *sdtest.Service) {
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			p := &place{registry: r, service: service, hold: heal, remove: remove}
			p.put = func(ctx context.Context, p *place, put sd.Instance) error {
				put.Meta = in.Meta
				return write(ctx, p, put)
			}
			return sd.Keep(ctx, in, p)
		})
	}},
	{"shows the caller's meta", "MetaIsCopied", "is seen in a set", func(r *memory.Registry, service string, s *sdtest.Service) {
		inner, caller := s.Registrar, new(atomic.Pointer[map[string]string])
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			caller.Store(&in.Meta)
			return inner.Register(ctx, in)
		})
		mapping(func(whole set) set {
			whole = clones(whole)
			for _, in := range whole {
				in.Meta = *caller.Load()
			}
			return whole
		})(r, service, s)
	}},
	{"returns before the instance is there", "OutageBoundsRegister", "in the outage Register returns <nil>", placing(func(p *place) {
		p.put = func(_ context.Context, p *place, in sd.Instance) error {
			go func() { _ = write(context.Background(), p, in) }()
			return nil
		}
	})},
	{"leaves an orphan when it gives up", "OutageBoundsRegister", "is not so", placing(func(p *place) {
		p.put = func(ctx context.Context, p *place, in sd.Instance) error {
			err := write(ctx, p, in)
			if err != nil {
				// What was sent arrives late, and nobody removes it.
				time.AfterFunc(time.Minute, func() { _ = p.registry.Set(p.service, in) })
			}
			return err
		}
		p.remove = func(context.Context, *place) error { return errLost }
	})},
	{"ignores the context of Register", "RegisterCanceled", "want context.Canceled|does not return", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Registrar
		s.Registrar = registrarFunc(func(_ context.Context, in sd.Instance) (*sd.Registration, error) {
			return inner.Register(context.Background(), in)
		})
	}},
	{"tries again what was refused", "RegisterRefused", "does not return", func(r *memory.Registry, service string, s *sdtest.Service) {
		s.Refused = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			return sd.Keep(ctx, in, &place{registry: r, service: service, hold: wait, remove: remove,
				put: func(context.Context, *place, sd.Instance) error { return errDown }})
		})
	}},
	{"takes any credentials", "RegisterRefused", "want the refusal", func(_ *memory.Registry, _ string, s *sdtest.Service) { s.Refused = s.Registrar }},
	{"takes malformed instances", "RegisterMalformed", "Register takes", func(_ *memory.Registry, _ string, s *sdtest.Service) {
		inner := s.Registrar
		s.Registrar = registrarFunc(func(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
			if in.Validate() != nil {
				in = sd.Instance{Addr: "repaired.example:80"}
			}
			return inner.Register(ctx, in)
		})
	}},
	{"hangs in Deregister while the registry is down", "OutageBoundsDeregister", "Deregister in an outage does not return", placing(stubborn)},
	{"hangs in Deregister without a deadline", "OutageEndsDeregister", "Deregister without a deadline does not return", placing(stubborn)},
	{"says in an outage that it is deregistered", "OutageEndsDeregister", "nobody can have heard of it", placing(func(p *place) {
		p.remove = func(context.Context, *place) error { return nil }
	})},
	{"outlives its registrant for too long", "Killed", "an instance was there; want", func(r *memory.Registry, service string, s *sdtest.Service) {
		s.Registrar = r.Registrar(service, memory.TTL(ttl+time.Second))
	}},
	{"removes the data of an outage", "Flapping", "is not so", placing(func(p *place) {
		p.put = func(ctx context.Context, p *place, in sd.Instance) error {
			err := write(ctx, p, in)
			if err != nil {
				_ = p.registry.Set(p.service)
			}
			return err
		}
	})},
}

// stubborn removes an entry as soon as the registry is there again, and does not heed
// its context.
func stubborn(p *place) {
	p.remove = func(_ context.Context, p *place) error {
		for write(context.Background(), p, sd.Instance{ID: p.id, Addr: "h:1"}) != nil {
			time.Sleep(time.Second)
		}
		return remove(context.Background(), p)
	}
}
