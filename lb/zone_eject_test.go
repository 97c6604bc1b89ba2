package lb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// A zone that gets its first instance takes over what was known, and ejects on its
// own from then on.
func TestZoneRoundEject(t *testing.T) {
	w := &ward{TB: t, strategy: lb.Zone("a", lb.Eject(lb.RoundRobin()), lb.ZoneBias(1)), now: time.Second}
	nodes := zoned("a", "a", "b", "b", "b", "b")
	w.set(nodes[2:])
	w.observe(3, lb.Faulted, 5)
	if e := w.picker.(lb.Ejecter).Ejected(w.now); len(e) != 1 || e[0].Instance != nodes[5].Instance() {
		t.Fatalf("out are %v", e)
	}
	w.set(nodes)
	w.observe(1, lb.Faulted, 5)
	w.observe(2, lb.Faulted, 5)
	e := w.picker.(lb.Ejecter).Ejected(w.now)
	if len(e) != 3 || e[0].Instance != nodes[1].Instance() || e[1].Instance != nodes[2].Instance() || e[2].Instance != nodes[5].Instance() {
		t.Errorf("out are %v", e)
	}
	if counts := w.spread(600); counts[1]+counts[2]+counts[5] > 0 {
		t.Errorf("picks are %v", counts)
	}
}

// A call that began before a zone got its first instances ends at an instance of the
// other part, which has not left the set: nobody is told so, and it is ejected there.
func TestZoneRoundEjectKnowsWhereACallBegan(t *testing.T) {
	var news []string
	tell := lb.OnEject(func(e lb.Ejection, out bool) { news = append(news, fmt.Sprint(e.Instance.ID, " ", out)) })
	for _, local := range []string{"a", "b"} { // those of b, or of a, were all
		news = nil
		w := &ward{TB: t, strategy: lb.Zone(local, lb.Eject(lb.RoundRobin(), tell), lb.ZoneBias(1)), now: time.Second}
		nodes := zoned("a", "a", "b", "b", "b", "b")
		w.set(nodes[2:])
		w.observe(0, lb.Faulted, 5)
		began := w.picker.(lb.Observer)
		w.set(nodes)
		for range 5 {
			began.Observe(3, lb.Outcome{Start: w.now, End: w.now, Result: lb.Faulted})
		}
		if out := ejected(w); out != "z0002 z0005 " || fmt.Sprint(news) != "[z0002 true z0005 true]" {
			t.Errorf("%s: %v are out, and it was told that %v", local, out, news)
		}
	}
}

func ejected(w *ward) (ids string) {
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		ids += e.Instance.ID + " "
	}
	return ids
}

// The same if the registry learns late which zone some are in: these leave, and begin
// anew, and what is left of calls to them tells nothing.
func TestZoneRoundEjectOfThoseThatMove(t *testing.T) {
	set := make([]sd.Instance, 6)
	for i := range set {
		set[i] = sd.Instance{ID: fmt.Sprint(i), Addr: fmt.Sprintf("10.0.0.%d:80", i), Zone: "b"}
	}
	e, source := endpointer(t, sd.NextSet(nil, set), nil)
	var news []string
	tell := lb.OnEject(func(e lb.Ejection, out bool) { news = append(news, fmt.Sprint(e.Instance.ID, " ", out)) })
	w := &ward{TB: t, strategy: lb.Zone("a", lb.Eject(lb.RoundRobin(), tell), lb.ZoneBias(1)), now: time.Second}
	w.set(e.Set().Nodes())
	w.observe(0, lb.Faulted, 5)
	w.observe(5, lb.Faulted, 5)
	began, before := w.picker.(lb.Observer), e.Set()
	set[4].Zone, set[5].Zone = "a", "a"
	source <- sd.NextSet(nil, set)
	await(t, func() bool { return e.Set() != before })
	w.set(e.Set().Nodes())
	for range 5 {
		began.Observe(4, lb.Outcome{Start: w.now, End: w.now, Result: lb.Faulted})
	}
	if out := ejected(w); out != "0 " || fmt.Sprint(news) != "[0 true 5 true 5 false]" {
		t.Errorf("%v are out, and it was told that %v", out, news)
	}
	w.observe(4, lb.Faulted, 5)
	if out := ejected(w); out != "0 4 " {
		t.Errorf("%v are out", out)
	}
}

// What is new in one part is so whatever the other does.
func TestZoneRoundSlowStart(t *testing.T) {
	s := lb.Zone("a", lb.SlowStart(lb.Eject(lb.RoundRobin())), lb.ZoneCallers(0.01))
	w := &ward{TB: t, strategy: s, now: time.Second}
	nodes := zoned("a", "a", "a", "b", "b", "b", "b")
	w.set(nodes[3:])
	w.set(nodes[1:]) // two of a are the first
	w.set(nodes)
	w.spread(100)
	if counts := w.spread(2100); counts[0] < 60 || counts[0] > 140 || counts[1] < 900 {
		t.Errorf("node 0 is new, and picks are %v", counts)
	}
}

// Of one that leaves another zone while it is out it is told by the next pick, though no
// call goes there.
func TestZoneRoundEjectTellsWhoLeftElsewhere(t *testing.T) {
	var set []sd.Instance
	for i, zone := range []string{"b", "b", "b", "a"} {
		set = append(set, sd.Instance{ID: fmt.Sprint(i), Addr: fmt.Sprintf("10.0.0.%d:80", i), Zone: zone})
	}
	e, source := endpointer(t, sd.NextSet(nil, set[:3]), nil)
	var news []string
	tell := lb.OnEject(func(e lb.Ejection, out bool) { news = append(news, fmt.Sprint(e.Instance.ID, " ", out)) })
	b := lb.New(e, lb.Zone("a", lb.Eject(lb.RoundRobin(), tell), lb.ZoneCallers(0.01)))
	for len(news) == 0 {
		l, err := b.Pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.Instance().ID == "0" {
			err = context.DeadlineExceeded
		}
		l.Done(t.Context(), err)
	}
	source <- sd.NextSet(nil, set[1:])
	await(t, func() bool {
		n := e.Set().Nodes()
		return len(n) == 3 && n[0].Instance().ID == "1"
	})
	l, err := b.Pick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.Done(t.Context(), nil); l.Instance().ID != "3" || fmt.Sprint(news) != "[0 true 0 false]" {
		t.Errorf("the call went to %s, and it was told that %v", l.Instance().ID, news)
	}
}

// A picker of one's own may say who is out by a slice that it keeps.
func TestZoneKeepsOffTheListsOfOthers(t *testing.T) {
	lists := map[string][]lb.Ejection{}
	s := lb.Zone("a", strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker {
		var list []lb.Ejection
		for _, n := range nodes {
			list = append(list, lb.Ejection{Instance: n.Instance()})
		}
		zone := nodes[0].Instance().Zone
		lists[zone] = append(list, lb.Ejection{})[:len(list)]
		return listing(lists[zone])
	}))
	e, _ := endpointer(t, sd.NextSet(nil, zonesOf("aba")), nil)
	b := lb.New(e, s)
	l, err := b.Pick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Done(t.Context(), nil)
	if n := len(b.Ejected()); n != 3 {
		t.Errorf("%d are out, want 3", n)
	}
	if a := lists["a"][:3]; a[1].Instance.ID != "2" || a[2].Instance != nil {
		t.Errorf("the list is %v now", a)
	}
}

type listing []lb.Ejection

func (listing) Pick(context.Context, time.Duration) int { return 0 }
func (l listing) Ejected(time.Duration) []lb.Ejection   { return l }
