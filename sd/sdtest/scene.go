package sdtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// scene is one case at work: its service, and the steps that cases are made of.
type scene struct {
	*testing.T
	Service
	h       Harness
	name    string // of the service
	kind    string // of the fault that the case needs
	joint   *joint // shares the fault with other cases; nil if there are none
	figures *figures
}

// prompt is how long something may take that depends on no server.
const prompt = 5 * time.Second

func (p *program) scene(t *testing.T, name, kind string, fault *joint) *scene {
	s := &scene{T: t, h: p.h, name: name, kind: kind, joint: fault, figures: &p.figures}
	s.Service = s.service(s.name)
	return s
}

func (s *scene) service(name string) Service {
	s.Helper()
	return s.h.New(s.T, name)
}

// bounded returns a context that ends after d and with the case.
func (s *scene) bounded(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	s.Cleanup(cancel)
	return ctx
}

// living returns a context that ends with the case.
func (s *scene) living() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	s.Cleanup(cancel)
	return ctx
}

// patient is for what must succeed.
func (s *scene) patient() context.Context { return s.bounded(s.h.Patience) }

// at is an instance of that ID. The address comes of the ID.
func at(id string) sd.Instance { return sd.Instance{ID: id, Addr: id + ".example:80"} }

// register registers instances one after the other, for the length of the case.
func (s *scene) register(instances ...sd.Instance) (last *sd.Registration) {
	s.Helper()
	for _, in := range instances {
		r, err := s.Registrar.Register(s.patient(), in)
		if err != nil {
			s.Fatalf("Register of %s: %v", in.ID, err)
		}
		s.Cleanup(func() { s.deregister(r) })
		last = r
	}
	return last
}

// deregister tries again where a machine is too busy for the registration's own bound.
func (s *scene) deregister(r *sd.Registration) {
	s.Helper()
	ctx := s.patient()
	err := r.Deregister(ctx)
	for errors.Is(err, sd.ErrTimeout) && ctx.Err() == nil {
		err = r.Deregister(ctx)
	}
	if err != nil {
		s.Errorf("Deregister of %s: %v", r.Instance().ID, err)
	}
}

func (s *scene) update(r *sd.Registration, in sd.Instance) {
	s.Helper()
	if err := r.Update(s.patient(), in); err != nil {
		s.Fatalf("Update of %s: %v", in.ID, err)
	}
}

// outage begins an outage. It ends with the returned function, or with the case.
func (s *scene) outage() (restore func()) {
	s.Helper()
	begin := s.Outages[s.kind]
	if begin == nil {
		begin = s.Outage
	}
	if s.joint != nil {
		restore = s.joint.outage(s.T, begin)
	} else {
		restore = begin(s.T)
	}
	restore = sync.OnceFunc(restore)
	s.Cleanup(restore)
	return restore
}

// lose makes the registry lose its data.
func (s *scene) lose() {
	s.Helper()
	if s.joint != nil {
		s.joint.meet(func() { s.LoseData(s.T) })
	} else {
		s.LoseData(s.T)
	}
}

// loseIfPossible takes an entry away by whatever the harness can do.
func (s *scene) loseIfPossible(id string) {
	s.Helper()
	switch {
	case s.Delete != nil:
		s.Delete(s.T, id)
	case s.Expire != nil:
		s.Expire(s.T, id)
	case s.LoseData != nil && s.h.Parallel == 1:
		s.LoseData(s.T)
	}
}

// holds waits until the registry holds exactly these IDs, which it asks by new
// watches, and checks that it still does when Quiet is over.
func (s *scene) holds(ids ...string) {
	s.Helper()
	want, have := strings.Join(ids, " "), ""
	is := func() bool { have = s.current(); return have == want }
	state := func() string { return "it holds {" + have + "}" }
	const often = 50 * time.Millisecond // each look is a watch of its own
	s.poll(often, "the registry holds {"+want+"}", is, state)
	s.rest(s.h.Quiet)
	// An error says nothing of what it holds.
	s.poll(often, "the registry can be asked", func() bool { return is() || !strings.HasPrefix(have, failed) }, state)
	if have != want {
		s.Errorf("the registry holds {%s}, and a while later {%s}", want, have)
	}
}

// failed begins what is no set.
const failed = "error: "

// current asks a new watch for the IDs, and returns the error's text if that
// yields one.
func (s *scene) current() string {
	ctx, cancel := context.WithTimeout(context.Background(), s.h.Patience)
	defer cancel()
	for set, err := range s.Instancer.Watch(ctx) {
		if err != nil {
			return failed + err.Error()
		}
		return idsOf(set)
	}
	return "nothing: the watch ended"
}

// took notes a figure, by the kind of the case's fault.
func (s *scene) took(what string, d time.Duration) {
	if s.kind != "" {
		what = s.kind + ": " + what
	}
	s.figures.note(what, max(0, d))
}

// recovered notes how long the way back took, and checks it.
func (s *scene) recovered(what string, d time.Duration) {
	s.Helper()
	s.took(what, d)
	if d > s.h.Recovery {
		s.Errorf("%s took %v; want %v", what, d, s.h.Recovery)
	}
}

// registered waits until the registration knows that it is in the registry.
func (s *scene) registered(r *sd.Registration) {
	s.Helper()
	s.eventually("State of "+r.Instance().ID+" says Registered",
		func() bool { state := r.State(); return state.Registered && state.Err == nil },
		func() string {
			return errors.Join(errors.New("its last error is"), r.State().Err).Error()
		})
}
