package sdtest

import (
	"context"
	"sync"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// cutCases are what happens while the network fails in one direction or both, and
// the registry serves others.
var cutCases = []testCase{
	{name: "CutAndChurn", needs: Cut, heavy: true, run: cutAndChurn},
	{name: "CutBounds", needs: Cut, run: cutBounds},
	{name: "CutEndsDeregister", needs: Cut, run: cutEndsDeregister},
	{name: "CutEndsWatches", needs: Cut, looks: true, run: cutEndsWatches},
	{name: "CutSuccessor", needs: Cut, run: cutSuccessor},
}

// cut begins a cut. It ends with the returned function, or with the case.
func (s *scene) cut() (heal func()) {
	s.Helper()
	heal = sync.OnceFunc(s.Cuts[s.kind](s.T))
	s.Cleanup(heal)
	return heal
}

// cutAndChurn: whoever was cut off sees afterwards the truth and nothing else,
// and is in it, whatever came, went and changed meanwhile.
func cutAndChurn(s *scene) {
	c := newChurn(s)
	w := s.watch()
	w.seesExactly(c.truth)
	// The first cut is over before a lease runs out, the second is not.
	for round, length := range []time.Duration{s.h.Quiet / 2, s.expiry()} {
		heal := s.cut()
		inside := c.cutOff(round)
		c.turn()
		s.rest(length)
		heal()
		c.turn()
		inside()
		healed := time.Now()
		w.seesExactly(c.truth)
		w.recovered("healed → truth", healed)
		s.watch().seesExactly(c.truth)
	}
	s.rest(s.expiry())
	w.seesExactly(c.truth)
}

// cutBounds: no call outlasts its context, and what it asked for is the truth in
// the end.
func cutBounds(s *scene) {
	w := s.watch()
	changed, leaver := s.register(at("changed")), s.register(at("leaver"))
	w.sees("changed", "leaver")
	heal := s.cut()
	var late *sd.Registration
	var calls sync.WaitGroup
	call := func(what string, f func(context.Context) error) {
		calls.Go(func() {
			err := s.within(what+" in a cut", time.Second, f)
			s.Logf("in the cut %s returns: %v", what, err)
		})
	}
	call("Register", func(ctx context.Context) (err error) {
		late, err = s.Registrar.Register(ctx, at("late"))
		return err
	})
	in := at("changed")
	in.Weight = 4
	call("Update", func(ctx context.Context) error { return changed.Update(ctx, in) })
	call("Deregister", leaver.Deregister)
	calls.Wait()
	heal()
	s.deregister(leaver)
	ids := []string{"changed"}
	if late != nil { // the cut let it through
		s.Cleanup(func() { s.deregister(late) })
		ids = append(ids, "late")
	}
	w.seesThat("changed", "the update", func(in *sd.Instance) bool { return in.Weight == 4 })
	s.rest(s.expiry()) // what was on its way arrives now, and is removed
	s.holds(ids...)
	w.sees(ids...)
	s.registered(changed)
}

func cutEndsWatches(s *scene) {
	s.leavesNobody("the end of watches in a cut", func() {
		idle, waiting := s.watch(), s.watch()
		idle.sees()
		waiting.sees()
		heal := s.cut()
		idle.end() // before anybody knows of the cut
		late := s.watch()
		s.rest(s.h.Quiet)
		waiting.end()
		late.end()
		var r *sd.Registration
		err := s.within("Register in a cut", s.h.Quiet, func(ctx context.Context) (err error) {
			r, err = s.Registrar.Register(ctx, at("a"))
			return err
		})
		s.Logf("in the cut Register returns: %v", err)
		heal()
		if r != nil {
			s.deregister(r)
		}
	})
}

// cutSuccessor: who was cut off until another took its place does not fight for
// it when it is back.
func cutSuccessor(s *scene) {
	w := s.watch()
	old := s.register(sd.Instance{ID: "x", Addr: "old.example:80"})
	w.sees("x")
	heal := s.cut()
	s.rest(s.expiry())
	next, err := s.Peer.Register(s.patient(), sd.Instance{ID: "x", Addr: "new.example:80"})
	if err != nil {
		s.Fatalf("Register by the peer: %v", err)
	}
	heal()
	s.rest(s.expiry())
	isNew := func(in *sd.Instance) bool { return in.Addr == "new.example:80" }
	w.seesThat("x", "the successor's address", isNew)
	before := len(w.all())
	s.deregister(old)
	s.rest(s.expiry())
	s.holds("x")
	w.seesThat("x", "the successor's address", isNew)
	if w.changed(before) {
		s.Errorf("its predecessor is back and disturbs the successor: %s", w.story())
	}
	s.deregister(next)
	s.holds()
}
