package sdtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// registrationCases are how instances come and go.
var registrationCases = []testCase{
	{name: "RegisterAndDeregister", run: registerAndDeregister},
	{name: "Update", run: update},
	{name: "MetaIsCopied", run: metaIsCopied},
	{name: "RegisterMalformed", run: registerMalformed},
	{name: "RegisterCanceled", looks: true, run: registerCanceled},
	{name: "RegisterRefused", needs: Refused, looks: true, run: registerRefused},
	{name: "RegistrationsAreRenewed", run: registrationsAreRenewed},
	{name: "Successor", run: successor},
	{name: "ConcurrentUse", run: concurrentUse},
}

func registerAndDeregister(s *scene) {
	w := s.watch()
	s.register(at("a"))
	w.sees("a")
	start := time.Now()
	r := s.register(at("b"))
	s.took("Register", time.Since(start))
	w.sees("a", "b")
	s.took("Register → seen", w.last().at.Sub(start))
	s.registered(r)
	if in := r.Instance(); in.ID != "b" || in.Addr != "b.example:80" {
		s.Errorf("the registration is of %+v; want b", in)
	}
	start = time.Now()
	s.deregister(r)
	w.sees("a")
	s.took("Deregister → gone", w.last().at.Sub(start))
	s.deregister(r) // again, which changes nothing
	s.rest(s.h.Quiet)
	s.holds("a")
	w.sees("a")
	// The place is free for the next.
	s.register(at("b"))
	w.sees("a", "b")
}

func update(s *scene) {
	w := s.watch()
	in := at("a")
	r := s.register(in)
	w.sees("a")
	in.Addr, in.Weight, in.Zone, in.Meta = "moved.example:81", 3, "z", map[string]string{"k": "v"}
	start := time.Now()
	s.update(r, in)
	w.seesThat("a", "the update", func(got *sd.Instance) bool { return got.Equal(&in) })
	s.took("Update → seen", w.last().at.Sub(start))
	in.Meta = nil
	s.update(r, in)
	w.seesThat("a", "the loss of meta", func(got *sd.Instance) bool { return got.Equal(&in) })
	w.sees("a")
	s.deregister(r)
	w.sees()
	if err := r.Update(s.patient(), in); !errors.Is(err, sd.ErrDeregistered) {
		s.Errorf("Update after Deregister returns %v; want sd.ErrDeregistered", err)
	}
	s.holds()
}

// metaIsCopied: what the caller writes to its map after Register or Update says
// nothing of the instance, neither in the sets nor when the entry is written again.
func metaIsCopied(s *scene) {
	w := s.watch()
	in := at("a")
	in.Meta = map[string]string{"k": "first"}
	r := s.register(in)
	for _, value := range []string{"first", "second"} {
		if value == "second" {
			in.Meta = map[string]string{"k": value}
			s.update(r, in)
		}
		says := func(in *sd.Instance) bool { return len(in.Meta) == 1 && in.Meta["k"] == value }
		set := w.seesThat("a", "the meta", says)
		in.Meta["k"], in.Meta["later"] = "changed", "added"
		if !says(set[0]) {
			s.Errorf("what the caller writes to its map is seen in a set: %v", set[0].Meta)
		}
		s.loseIfPossible("a")
		s.holds("a") // a watch that saw no loss may show it late
		w.seesThat("a", "the meta, and not what the caller wrote to its map since,", says)
	}
}

func registerMalformed(s *scene) {
	for _, in := range []sd.Instance{
		{}, {Addr: "nowhere"}, {Addr: "h.example:0"}, {Addr: "h.example:65536"}, {Addr: ":80"}, {Addr: "::1:80"},
		{Addr: "0.0.0.0:80"}, {Addr: "[::]:80"},
		{Addr: "h.example:80", Weight: -1}, {ID: "a b", Addr: "h.example:80"}, {Addr: "h.example:80\n"},
	} {
		err := s.within(fmt.Sprintf("Register of %+v", in), 0, func(context.Context) error {
			r, err := s.Registrar.Register(s.patient(), in)
			if err == nil {
				s.deregister(r)
			}
			return err
		})
		if err == nil {
			s.Errorf("Register takes %+v", in)
		}
	}
	s.holds()
}

func registerCanceled(s *scene) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var err error
	s.leavesNobody("Register with a context that is done", func() {
		err = s.within("Register with a context that is done", 0, func(context.Context) error {
			r, err := s.Registrar.Register(ctx, at("a"))
			if err == nil {
				s.deregister(r)
			}
			return err
		})
	})
	if !errors.Is(err, context.Canceled) {
		s.Errorf("Register with a context that is done returns %v; want context.Canceled", err)
	}
	s.rest(s.h.Quiet)
	s.holds()
}

func registerRefused(s *scene) {
	var err error
	s.leavesNobody("Register with refused credentials", func() {
		err = s.within("Register with refused credentials", 0, func(context.Context) error {
			r, err := s.Refused.Register(s.patient(), at("a"))
			if err == nil {
				s.deregister(r)
			}
			return err
		})
	})
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		s.Errorf("Register with refused credentials returns %v; want the refusal", err)
	}
	s.Logf("with refused credentials Register returns: %v", err)
	s.holds()
}

// registrationsAreRenewed: the context of Register bounds the first registration
// only, and a second registration does not end the renewal of the first.
func registrationsAreRenewed(s *scene) {
	w := s.watch()
	var registrations []*sd.Registration
	for _, id := range []string{"a", "b"} {
		ctx, cancel := context.WithTimeout(context.Background(), s.h.Patience)
		r, err := s.Registrar.Register(ctx, at(id))
		cancel()
		if err != nil {
			s.Fatalf("Register of %s: %v", id, err)
		}
		s.Cleanup(func() { s.deregister(r) })
		registrations = append(registrations, r)
	}
	w.sees("a", "b")
	before := len(w.all())
	s.rest(s.expiry())
	s.holds("a", "b")
	if w.changed(before) {
		s.Errorf("in the time of a lease the set changed: %s", w.story())
	}
	for _, r := range registrations {
		if state := r.State(); !state.Registered || state.Err != nil {
			s.Errorf("the state of %s is %+v; want Registered", r.Instance().ID, state)
		}
	}
}

// successor: a process that was replaced by one of the same ID must not take that
// one's entry with it when it ends.
func successor(s *scene) {
	w := s.watch()
	old := s.register(sd.Instance{ID: "x", Addr: "old.example:80"})
	w.sees("x")
	next := s.register(sd.Instance{ID: "x", Addr: "new.example:80"})
	isNew := func(in *sd.Instance) bool { return in.Addr == "new.example:80" }
	w.seesThat("x", "the successor's address", isNew)
	before := len(w.all())
	s.deregister(old)
	s.rest(s.expiry())
	s.holds("x")
	if w.changed(before) {
		s.Errorf("the end of its predecessor touched the successor, even if that came back: %s", w.story())
	}
	s.deregister(next)
	s.holds()
}

func concurrentUse(s *scene) {
	for range 3 {
		s.watch()
	}
	s.each(8, func(i int) {
		for n := range 4 {
			in := at(fmt.Sprintf("i-%d", i))
			r, err := s.Registrar.Register(s.patient(), in)
			if err != nil {
				s.Errorf("Register of %s: %v", in.ID, err)
				return
			}
			in.Weight = n + 1
			if err := r.Update(s.patient(), in); err != nil {
				s.Errorf("Update of %s: %v", in.ID, err)
			}
			r.State()
			s.current()
			s.deregister(r)
		}
	})
	s.holds()
	s.register(at("a"))
	s.watch().sees("a")
}
