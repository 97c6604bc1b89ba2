package sdtest

import (
	"context"
	"errors"
	"time"
)

// clientCases are what becomes of clients that are shared, refused or closed.
var clientCases = []testCase{
	{name: "SharedClient", needs: Twin, run: sharedClient},
	{name: "WatchRefused", needs: RefusedWatch, looks: true, run: watchRefused},
	{name: "CloseMeetsWatches", needs: Close, looks: true, run: closeMeetsWatches},
	{name: "CloseMeetsRegistrations", needs: Close, looks: true, run: closeMeetsRegistrations},
}

// sharedClient: the end of one watch or registration is none of another's on the
// same client.
func sharedClient(s *scene) {
	instancer, registrar := s.Twin()
	first := s.register(at("a"))
	mine, theirs := s.watch(), s.watchOf(instancer)
	second, err := registrar.Register(s.patient(), at("b"))
	if err != nil {
		s.Fatalf("Register by the twin: %v", err)
	}
	s.Cleanup(func() { s.deregister(second) })
	mine.sees("a", "b")
	theirs.sees("a", "b")
	s.deregister(first)
	mine.sees("b")
	mine.end()
	theirs.sees("b")
	before := len(theirs.all())
	s.rest(s.expiry())
	if theirs.changed(before) {
		s.Errorf("in the time of a lease the set changed: %s", theirs.story())
	}
	s.register(at("c"))
	theirs.sees("b", "c")
	s.deregister(second)
	theirs.sees("c")
	theirs.end()
	s.watch().sees("c")
	s.watchOf(instancer).sees("c")
}

func watchRefused(s *scene) {
	s.leavesNobody("a watch with refused credentials", func() {
		start := time.Now()
		w := s.watchOf(s.RefusedWatch)
		w.errs(0)
		s.took("watch refused", time.Since(start))
		s.rest(s.h.Quiet)
		w.onlyErrs(0)
		s.Logf("with refused credentials the watch yields: %v", w.all()[0].err)
		w.end()
	})
}

// closeMeetsWatches: a watch on a closed client says so, and does not end, for
// what ranges over it would take that for the end of the service.
func closeMeetsWatches(s *scene) {
	s.leavesNobody("the end of watches on a closed client", func() {
		w := s.watch()
		w.sees()
		before, start := len(w.all()), time.Now()
		s.Close(s.T)
		w.errs(before)
		s.took("client closed → error", time.Since(start))
		s.rest(s.h.Quiet)
		w.onlyErrs(before)
		w.end()
		start = time.Now()
		late := s.watch()
		late.errs(0)
		if d := time.Since(start); d > prompt {
			s.Errorf("a watch on a closed client says nothing for %v", d)
		}
		s.rest(s.h.Quiet)
		late.onlyErrs(0)
		late.end()
		s.Logf("on a closed client a watch yields: %v", late.all()[0].err)
	})
}

func closeMeetsRegistrations(s *scene) {
	s.leavesNobody("the end of registrations on a closed client", func() {
		r, err := s.Registrar.Register(s.patient(), at("a"))
		if err != nil {
			s.Fatalf("Register: %v", err)
		}
		s.Close(s.T)
		err = s.within("Register on a closed client", 0, func(context.Context) error {
			late, err := s.Registrar.Register(s.patient(), at("b"))
			if err == nil {
				_ = late.Deregister(s.bounded(time.Second))
			}
			return err
		})
		if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			s.Errorf("Register on a closed client returns %v; want what is wrong", err)
		}
		s.Logf("on a closed client Register returns: %v", err)
		in := at("a")
		in.Weight = 2
		err = s.within("Update on a closed client", time.Second, func(ctx context.Context) error { return r.Update(ctx, in) })
		if err == nil {
			s.Error("Update on a closed client returns nil")
		}
		err = s.within("Deregister on a closed client", time.Second, r.Deregister)
		s.Logf("on a closed client Deregister returns: %v", err)
	})
}
