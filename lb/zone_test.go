package lb_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// zoned returns nodes from texts like "a/3": zone and weight.
func zoned(texts ...string) []*sd.Node {
	nodes := make([]*sd.Node, len(texts))
	for i, text := range texts {
		in := &sd.Instance{ID: fmt.Sprintf("z%04d", i), Addr: "10.0.0.1:80"}
		name, weight, _ := strings.Cut(text, "/")
		in.Zone = name
		fmt.Sscan(weight, &in.Weight)
		nodes[i] = sd.NewNode(in)
	}
	return nodes
}

// stayed is the share of n idle picks that stays in zone "a".
func stayed(s lb.Strategy, nodes []*sd.Node) float64 {
	const n = 40_000
	here := 0
	for i, c := range picks(fixed(s).Picker(nodes, nil), len(nodes), n) {
		if nodes[i].Instance().Zone == "a" {
			here += c
		}
	}
	return float64(here) / n
}

func TestZoneStaysByCapacity(t *testing.T) {
	one := lb.ZoneHeadroom(1)
	for _, tt := range []struct {
		name  string
		local string
		nodes []*sd.Node
		opts  []lb.ZoneOption
		want  float64
	}{
		{"even", "a", zoned("a", "b", "c"), []lb.ZoneOption{one}, 1},
		{"more than its share", "a", zoned("a", "a", "a", "b"), []lb.ZoneOption{one}, 1},
		{"a third of a half", "a", zoned("a", "b", "b"), []lb.ZoneOption{one}, 2. / 3},
		{"weights, not counts", "a", zoned("a/1", "a/1", "a/1", "b/9"), []lb.ZoneOption{one}, 0.5},
		{"and the other way round", "a", zoned("a/9", "b/1", "b/1", "b/1"), []lb.ZoneOption{one}, 1},
		{"headroom of 1.4", "a", zoned("a", "b", "b"), nil, 1.4 * 2 / 3},
		{"most callers", "a", zoned("a", "b"), []lb.ZoneOption{one, lb.ZoneCallers(0.8)}, 0.5 / 0.8},
		{"all callers", "a", zoned("a", "b"), []lb.ZoneOption{lb.ZoneCallers(1), one}, 0.5},
		{"no zone is a zone", "a", zoned("a", "", ""), []lb.ZoneOption{one}, 2. / 3},
		{"alone", "a", zoned("a", "a"), nil, 1},
		{"nobody there", "x", zoned("a", "b", "b", "b"), nil, 0.25},
		{"unknown", "", zoned("a", "", "", ""), nil, 0.25},
	} {
		if got := stayed(lb.Zone(tt.local, lb.Random(), tt.opts...), tt.nodes); math.Abs(got-tt.want) > 0.015 {
			t.Errorf("%s: %.3f stayed, want %.3f", tt.name, got, tt.want)
		}
	}
}

func TestZoneSpillsOverByLoad(t *testing.T) {
	nodes := zoned("a/2", "b/1")
	p := lb.Zone("a", lb.LeastRequest()).Picker(nodes, nil)
	var got []int
	for range 10 {
		i := p.Pick(t.Context(), 0)
		nodes[i].Acquire()
		got = append(got, i)
	}
	// (5+1)/2 is no more than 3·(0+1)/1, (6+1)/2 is; then there is room up to 3·2.
	if fmt.Sprint(got) != "[0 0 0 0 0 0 1 0 0 0]" {
		t.Errorf("picked %v", got)
	}
	p = lb.Zone("a", lb.LeastRequest(), lb.ZoneBias(math.Inf(1))).Picker(nodes, nil)
	for range 100 {
		if i := p.Pick(t.Context(), 0); i != 0 {
			t.Fatal("the load matters")
		}
		nodes[0].Acquire()
	}
}

// Inner's indices are those of its part: what it observes must be too.
func TestZoneTellsTheRightInstance(t *testing.T) {
	nodes := zoned("b", "a", "b", "a")
	one := lb.ZoneHeadroom(1)
	s := lb.Zone("a", lb.PeakEWMA(), one, lb.ZoneCallers(1)) // half stays
	d := drive(t, s, nodes)
	at := 10 * time.Second
	for i, latency := range []time.Duration{90 * ms, 10 * ms, 20 * ms, 80 * ms} {
		d.served(i, at, latency)
	}
	for range 200 {
		if i := d.p.Pick(t.Context(), at); i != 1 && i != 2 {
			t.Fatalf("picked %d", i)
		}
	}
	d.nodes[1].Acquire()
	d.p.Start(1, at+20*ms) // not so soon after the last one that it is not booked
	seen := map[int]bool{}
	for range 200 {
		seen[d.p.Pick(t.Context(), at+310*ms)] = true
	}
	if seen[1] || !seen[3] {
		t.Errorf("with a call that hangs on 1, picked %v", seen)
	}

	// The others leave and come back: what is known of who stays, stays.
	next := &driven{t, s.Picker(nodes[1:], d.p).(lb.Starter), nodes[1:]}
	for range 200 {
		if i := next.p.Pick(t.Context(), at+310*ms); i == 0 {
			t.Fatal("the update forgot the call that hangs")
		}
	}
	next.p.Observe(0, lb.Outcome{Start: at + 20*ms, End: at + 300*ms, Result: lb.Refused})
	alone := nodes[1:2]
	last := &driven{t, s.Picker([]*sd.Node{nodes[1], nodes[3]}, next.p).(lb.Starter), alone}
	last.want(0, at+310*ms, "10 ms are less than 80")
}

func TestZoneKeepsWhatWasKnownBeforeThereWasALocalInstance(t *testing.T) {
	nodes := zoned("b", "b", "a")
	s := lb.Zone("a", lb.PeakEWMA(), lb.ZoneCallers(1), lb.ZoneHeadroom(1))
	d := drive(t, s, nodes[:2])
	at := 10 * time.Second
	d.served(0, at, 10*ms)
	d.served(1, at, 50*ms)
	next := fixed(s).Picker(nodes, d.p)
	for range 300 {
		if next.Pick(t.Context(), at) == 1 {
			t.Fatal("50 ms were forgotten")
		}
	}
}

// The registry learns late which zone two of four are in: they are the same nodes, and
// what is known of them is too.
func TestZoneKeepsWhatWasKnownOfThoseThatAreLocalNow(t *testing.T) {
	set := make([]sd.Instance, 4)
	for i := range set {
		set[i] = sd.Instance{ID: fmt.Sprint(i), Addr: fmt.Sprintf("10.0.0.%d:80", i), Zone: "b"}
	}
	e, source := endpointer(t, sd.NextSet(nil, set), nil)
	s := lb.Zone("a", lb.PeakEWMA())
	d := drive(t, s, e.Set().Nodes())
	at := 10 * time.Second
	d.served(0, at, 10*ms)
	d.served(1, at, 80*ms)

	before := e.Set()
	set[0].Zone, set[1].Zone = "a", "a"
	source <- sd.NextSet(nil, set)
	await(t, func() bool { return e.Set() != before })
	next := fixed(s).Picker(e.Set().Nodes(), d.p)
	for range 300 {
		if i := next.Pick(t.Context(), at); i != 0 {
			t.Fatalf("picked %d, and not the one of two that takes 10 ms", i)
		}
	}
}

// Both parts take turns, each for itself, whatever the other does.
func TestZoneTakesTurnsInEachPart(t *testing.T) {
	nodes := zoned("a", "b", "a", "b")
	s := fixed(lb.Zone("a", lb.RoundRobin(), lb.ZoneCallers(1), lb.ZoneHeadroom(1)))
	p := s.Picker(nodes, s.Picker(nodes[1:2], nil)) // from all in one to two parts
	if _, ok := p.(lb.Observer); ok {
		t.Error("it observes for an inner that does not")
	}
	for i, c := range picks(p, 4, 4000) {
		if c < 850 || c > 1150 {
			t.Errorf("instance %d got %d of 1000", i, c)
		}
	}
}

func TestZoneAllocatesNothing(t *testing.T) {
	nodes := zoned("a", "b", "b")
	for _, n := range nodes {
		n.Acquire()
	}
	d := drive(t, lb.Zone("a", lb.PeakEWMA()), nodes)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { d.served(d.p.Pick(ctx, time.Second), time.Second, ms) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestZoneConcurrentSafe(t *testing.T) {
	nodes := zoned("a", "b", "a", "c")
	d := drive(t, lb.Zone("a", lb.PeakEWMA()), nodes)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for k := range 3000 {
				now := time.Duration(1+k) * ms
				i := d.p.Pick(context.Background(), now)
				nodes[i].Acquire()
				d.p.Start(i, now)
				nodes[i].Release()
				d.p.Observe(i, lb.Outcome{Start: now, End: now + ms})
			}
		})
	}
	all.Wait()
	for i, n := range nodes {
		if n.InFlight() != 0 {
			t.Errorf("instance %d has %d in flight", i, n.InFlight())
		}
	}
}

func TestZoneMisuseNamesAllFaults(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"inner strategy is nil", "headroom", "callers", "bias", "option 4 is nil"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not name %q", text, want)
			}
		}
	}()
	lb.Zone("a", nil, lb.ZoneHeadroom(0.5), lb.ZoneCallers(0), lb.ZoneBias(0), nil)
}

func ExampleZone() {
	a := sd.NewNode(&sd.Instance{ID: "a", Addr: "10.0.0.1:80", Zone: "eu-1"})
	b := sd.NewNode(&sd.Instance{ID: "b", Addr: "10.0.0.2:80", Zone: "eu-2"})
	picker := lb.Zone("eu-2", lb.LeastRequest()).Picker([]*sd.Node{a, b}, nil)

	for range 3 {
		i := picker.Pick(context.Background(), 0)
		fmt.Println([]string{"a", "b"}[i])
	}
	// Output:
	// b
	// b
	// b
}

// The probe of an instance that has long calls in flight goes there, and so does that of
// one elsewhere, of which a call that stays comes to know.
func TestZoneRoundEjectLetsProbesGo(t *testing.T) {
	for _, bias := range []float64{3, math.Inf(1)} {
		s := lb.Zone("a", lb.SlowStart(lb.Eject(lb.RoundRobin())), lb.ZoneCallers(0.01), lb.ZoneBias(bias))
		w := &ward{TB: t, strategy: s, now: time.Second}
		nodes := zoned("a", "a", "b", "b")
		w.set(nodes)
		for _, n := range []int{0, 0, 0, 1} {
			nodes[n].Acquire()
		}
		w.observe(0, lb.Faulted, 5)
		w.observe(2, lb.Faulted, 5)
		w.now += 30 * time.Second
		counts := w.spread(20)
		if far := count(bias == 3); counts[0] != 1 || counts[1] != 19-far || counts[2] != far {
			t.Errorf("with a bias of %v picks are %v", bias, counts)
		}
	}
}
