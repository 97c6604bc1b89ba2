package sdtest

import (
	"context"
	"errors"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func outageDelaysRegister(s *scene) {
	s.register(at("a"))
	restore := s.outage()
	done := make(chan error, 1)
	ctx := s.patient()
	go func() {
		r, err := s.Registrar.Register(ctx, at("b"))
		if err == nil {
			s.Cleanup(func() { s.deregister(r) })
		}
		done <- err
	}()
	s.rest(s.h.Quiet)
	select {
	case err := <-done:
		s.Fatalf("in the outage Register returns %v; want it to wait", err)
	default:
	}
	restore()
	if err := <-done; err != nil {
		s.Fatalf("after the outage Register returns %v", err)
	}
	s.holds("a", "b")
}

// outageBoundsRegister: what Register gave up on must not turn up later.
func outageBoundsRegister(s *scene) {
	restore := s.outage()
	err := s.within("Register in an outage", time.Second, func(ctx context.Context) error {
		r, err := s.Registrar.Register(ctx, at("a"))
		if err == nil {
			s.Cleanup(func() { s.deregister(r) })
		}
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("in the outage Register returns %v; want context.DeadlineExceeded", err)
	}
	restore()
	// What was under way when the outage began may arrive now, and is removed.
	s.rest(s.expiry())
	s.holds()
}

func outageBoundsUpdate(s *scene) {
	in := at("a")
	r := s.register(in)
	w := s.watch()
	w.sees("a")
	restore := s.outage()
	in.Weight = 4
	err := s.within("Update in an outage", time.Second, func(ctx context.Context) error { return r.Update(ctx, in) })
	if !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("in the outage Update returns %v; want context.DeadlineExceeded", err)
	}
	restore()
	w.seesThat("a", "the update", func(in *sd.Instance) bool { return in.Weight == 4 })
	s.registered(r)
}

func outageBoundsDeregister(s *scene) {
	s.register(at("a"))
	r := s.register(at("b"))
	s.holds("a", "b")
	restore := s.outage()
	err := s.within("Deregister in an outage", time.Second, r.Deregister)
	s.Logf("in the outage Deregister returns: %v", err)
	restore()
	s.deregister(r)
	s.holds("a")
	s.rest(s.expiry())
	s.holds("a")
}

// outageEndsDeregister: whoever shuts down in an outage does not wait for its end.
func outageEndsDeregister(s *scene) {
	s.shutDownIn(s.outage)
}

func cutEndsDeregister(s *scene) {
	s.shutDownIn(s.cut)
}

// shutDownIn deregisters in a fault without a deadline, as most programs do: as soon
// as the registry is away, and when registrations have known that for long.
func (s *scene) shutDownIn(fault func() (restore func())) {
	s.Helper()
	s.register(at("a"))
	early, late := s.register(at("early")), s.register(at("late"))
	s.holds("a", "early", "late")
	restore := fault()
	done := s.shutDown(early)
	s.rest(s.expiry())
	if err := s.shutDown(late)(); err != nil { // the entry may have gone by itself
		s.Logf("later Deregister returns: %v", err)
	}
	err := done()
	if err == nil || errors.Is(err, context.Canceled) {
		s.Errorf("Deregister returns %v, and nobody can have heard of it; want what is wrong", err)
	}
	s.Logf("Deregister returns: %v", err)
	restore()
	s.deregister(early)
	s.deregister(late)
	s.holds("a")
}

// longest is how long Deregister may take: the default of sd.KeepTimeout.
const longest = 10 * time.Second

// shutDown deregisters with a context that never ends. The returned function waits
// until that has come back.
func (s *scene) shutDown(r *sd.Registration) (wait func() error) {
	s.Helper()
	const what = "Deregister without a deadline"
	var took time.Duration
	start, result := time.Now(), make(chan error, 1)
	go func() {
		err := r.Deregister(context.Background())
		took = time.Since(start)
		result <- err
	}()
	return func() (err error) {
		s.Helper()
		s.returns(what, longest, func() { err = <-result })
		s.took(what, took)
		if took > longest+prompt {
			s.Errorf("%s returns after %v; want %v and a little", what, took, longest)
		}
		return err
	}
}
