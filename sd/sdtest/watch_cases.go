package sdtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// watchCases are what a watch yields.
var watchCases = []testCase{
	{name: "CurrentSetAtOnce", run: currentSetAtOnce},
	{name: "EmptySet", looks: true, run: emptySet},
	{name: "Sorted", run: sorted},
	{name: "UnchangedNotRepeated", run: unchangedNotRepeated},
	{name: "PointersKept", run: pointersKept},
	{name: "EveryField", run: everyField},
	{name: "EmptyIDIsAddr", run: emptyIDIsAddr},
	{name: "DuplicateID", run: duplicateID},
	{name: "Isolation", run: isolation},
	{name: "Many", heavy: true, run: many},
}

// currentSetAtOnce: the first set is the whole truth and not a beginning of it,
// for a client would drop whoever is missing.
func currentSetAtOnce(s *scene) {
	s.register(at("a"), at("b"), at("c"))
	s.watch().sees("a", "b", "c")
	for range 5 {
		w := s.watch()
		s.eventually("a watch yields", func() bool { return len(w.all()) > 0 }, w.story)
		if first := w.all()[0]; first.err != nil || idsOf(first.set) != "a b c" {
			s.Fatalf("the first that a watch yields is %v; want {a b c}", first)
		}
	}
}

func emptySet(s *scene) {
	s.leavesNobody("the end of a watch of nobody", func() {
		w := s.watch()
		w.sees()
		w.end()
	})
	w := s.watch()
	w.sees()
	r := s.register(at("a"))
	w.sees("a")
	n := len(w.all())
	s.deregister(r)
	s.eventually("the empty set is yielded when the last has left",
		func() bool { return len(w.all()) > n && w.last().err == nil && len(w.last().set) == 0 }, w.story)
}

func sorted(s *scene) {
	w := s.watch()
	for _, id := range []string{"m", "z", "a", "B", "aa", "n-1", "n-10", "n-2"} {
		s.register(at(id))
	}
	w.sees("B", "a", "aa", "m", "n-1", "n-10", "n-2", "z")
	s.watch().sees("B", "a", "aa", "m", "n-1", "n-10", "n-2", "z")
}

func unchangedNotRepeated(s *scene) {
	r := s.register(at("a"), at("b"))
	w := s.watch()
	w.sees("a", "b")
	before := len(w.all())
	s.rest(s.h.Quiet)
	s.update(r, at("b"))
	other := s.service(s.name + "-other")
	if r, err := other.Registrar.Register(s.patient(), at("c")); err != nil {
		s.Errorf("Register with another service: %v", err)
	} else {
		defer s.deregister(r)
	}
	s.rest(s.h.Quiet)
	if after := len(w.all()); after != before {
		s.Errorf("nothing changed, and the watch yielded %d times more: %s", after-before, w.story())
	}
}

func pointersKept(s *scene) {
	s.register(at("a"), at("c"))
	in := at("b")
	in.Meta = map[string]string{"version": "1"}
	r := s.register(in)
	w := s.watch()
	before := w.sees("a", "b", "c")
	in.Weight = 7
	s.update(r, in)
	after := w.seesThat("b", "the new weight", func(in *sd.Instance) bool { return in.Weight == 7 })
	s.kept(before, after, "a", "c")
	before, in.Meta = after, map[string]string{"version": "2"}
	s.update(r, in)
	after = w.seesThat("b", "the new meta", func(in *sd.Instance) bool { return in.Meta["version"] == "2" })
	s.kept(before, after, "a", "c")
	before = after
	s.register(at("aa"))
	after = w.sees("a", "aa", "b", "c")
	s.kept(before, after, "a", "b", "c")
	s.deregister(r)
	s.kept(after, w.sees("a", "aa", "c"), "a", "aa", "c")
}

// kept checks that the instances of these IDs have the same pointers in both.
func (s *scene) kept(before, after []*sd.Instance, ids ...string) {
	s.Helper()
	for _, id := range ids {
		if a, b := lookup(before, id), lookup(after, id); a == nil || a != b {
			s.Errorf("%s did not change, and its pointer did: %p became %p", id, a, b)
		}
	}
}

func everyField(s *scene) {
	many := make(map[string]string)
	for i := range 40 {
		many[fmt.Sprintf("key-%d", i)] = strings.Repeat("v", i)
	}
	instances := []sd.Instance{
		{ID: "empty-values", Addr: "h.example:80", Meta: map[string]string{"a": "", "b": ""}},
		{ID: "host", Addr: "some.host.example:65535", Weight: 1},
		{ID: "many-keys", Addr: "h.example:81", Meta: many},
		{ID: "v4", Addr: "192.0.2.1:1", Weight: 1000},
		{ID: "v6", Addr: "[2001:db8::1]:8080", Zone: "zone-1"},
		{ID: "v6-full", Addr: "[2001:db8:1:2:3:4:5:6]:443", Weight: 3, Zone: "z", Meta: map[string]string{"k": "v"}},
		{ID: "x-unicode", Addr: "h.example:82", Zone: "Zürich", Meta: map[string]string{"name": "日本 \"ü\" <&> \\ 🐢", "list": "a=b, c;d/e%20"}},
	}
	w := s.watch()
	var ids []string
	for _, in := range instances {
		s.register(in)
		ids = append(ids, in.ID)
	}
	set := w.sees(ids...)
	for i, want := range instances {
		got := *set[i]
		// Zero and one say the same, and few registries tell them apart.
		got.Weight, want.Weight = max(1, got.Weight), max(1, want.Weight)
		if !got.Equal(&want) {
			s.Errorf("registered %+v\n\tand saw %+v", want, got)
		}
	}
}

func emptyIDIsAddr(s *scene) {
	w := s.watch()
	r := s.register(sd.Instance{Addr: "h.example:80"})
	if set := w.sees("h.example:80"); set[0].Addr != "h.example:80" {
		s.Errorf("the address is %s; want h.example:80", set[0].Addr)
	}
	s.deregister(r)
	w.sees()
}

// duplicateID: the newer registration is the truth, or the older; never both.
func duplicateID(s *scene) {
	w := s.watch()
	s.register(at("a"), sd.Instance{ID: "x", Addr: "one.example:80"}, sd.Instance{ID: "x", Addr: "two.example:80"})
	w.sees("a", "x")
	s.rest(s.h.Quiet)
	set := w.sees("a", "x")
	if addr := set[1].Addr; addr != "one.example:80" && addr != "two.example:80" {
		s.Errorf("the address of x is %s, which nobody registered", addr)
	}
}

// isolation: a service whose name begins with that of another is another.
func isolation(s *scene) {
	other := s.service(s.name + "bar")
	w, v := s.watch(), s.watchOf(other.Instancer)
	r := s.register(at("a"))
	theirs, err := other.Registrar.Register(s.patient(), sd.Instance{ID: "a", Addr: "theirs.example:80"})
	if err != nil {
		s.Fatalf("Register with another service: %v", err)
	}
	defer s.deregister(theirs)
	for w, addr := range map[*watcher]string{w: "a.example:80", v: "theirs.example:80"} {
		w.seesThat("a", "the address "+addr, func(in *sd.Instance) bool { return in.Addr == addr })
	}
	s.deregister(r)
	w.sees()
	s.rest(s.h.Quiet)
	w.sees()
	v.sees("a")
}

func many(s *scene) {
	w, start := s.watch(), time.Now()
	ids := make([]string, s.h.Many)
	registrations := make([]*sd.Registration, s.h.Many)
	s.each(s.h.Many, func(i int) {
		ids[i] = fmt.Sprintf("i-%06d", i)
		var err error
		if registrations[i], err = s.Registrar.Register(s.patient(), at(ids[i])); err != nil {
			s.Errorf("Register of %s: %v", ids[i], err)
		}
	})
	defer s.each(s.h.Many, func(i int) {
		if r := registrations[i]; r != nil {
			s.deregister(r)
		}
	})
	before := w.sees(ids...)
	s.took(fmt.Sprintf("%d registered → seen", len(ids)), w.last().at.Sub(start))
	start = time.Now()
	s.deregister(registrations[0])
	s.kept(before, w.sees(ids[1:]...), ids[1:min(100, len(ids))]...)
	s.took(fmt.Sprintf("change among %d → seen", len(ids)), w.last().at.Sub(start))
	start = time.Now()
	s.watch().sees(ids[1:]...)
	s.took(fmt.Sprintf("new watch of %d → seen", len(ids)-1), time.Since(start))
}
