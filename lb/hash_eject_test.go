package lb_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// homes returns which instance each key is sent to.
func (w *ward) homes() []string {
	to := make([]string, len(tenThousandKeys))
	for i, ctx := range tenThousandKeys {
		to[i] = w.nodes[w.picker.Pick(ctx, w.now)].Instance().ID
	}
	return to
}

// hashing is the strategies inside Eject that leave it to hashing who gets the keys of
// those that are out.
func hashing() map[string]lb.Strategy {
	return map[string]lb.Strategy{
		"directly":                   lb.ConsistentHash(),
		"through slow start":         lb.SlowStart(lb.ConsistentHash()),
		"through zones":              lb.Zone("", lb.ConsistentHash()),
		"through slow start of them": lb.SlowStart(lb.Zone("", lb.ConsistentHash())),
		"through zones of that":      lb.Zone("", lb.SlowStart(lb.ConsistentHash())),
	}
}

// An instance that is ejected moves only its own keys, to all the others, and has them
// again when it returns; one more that is ejected moves only what it has then.
func TestConsistentHashOfEjectedOnesMovesOnlyTheirKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for name, inner := range hashing() {
		t.Log(name)
		weights := make([]int, 6+random.IntN(20))
		for i := range weights {
			weights[i] = 1 + random.IntN(4)
		}
		w := &ward{TB: t, strategy: lb.Eject(inner), now: time.Second}
		w.set(weighted(weights...))
		a := random.IntN(len(w.nodes))
		b := (a + 1) % len(w.nodes)
		before := w.homes()
		w.observe(a, lb.Faulted, 5)
		one := w.homes()
		moved(t, before, one, w.nodes[a])
		w.observe(b, lb.Faulted, 5)
		moved(t, one, w.homes(), w.nodes[b])

		e := w.picker.(lb.Ejecter).Ejected(w.now)
		w.now += max(e[0].For, e[1].For)
		for range e { // the probes
			w.observe(w.picker.Pick(keyed("k"), w.now), lb.Served, 1)
		}
		w.homes() // who returns is seen, should it start slowly
		w.now += time.Hour
		if again := w.homes(); !slices.Equal(again, before) {
			t.Fatal("keys did not come back")
		}
	}
}

// moved wants the keys of one instance, and no others, to go to all the others.
func moved(t *testing.T, before, after []string, out *sd.Node) {
	t.Helper()
	to := map[string]bool{}
	for k := range before {
		if out := out.Instance().ID; (before[k] == out) != (before[k] != after[k]) {
			t.Fatalf("without %s, key %d went from %s to %s", out, k, before[k], after[k])
		} else if before[k] == out {
			to[after[k]] = true
		}
	}
	if len(to) < 4 {
		t.Fatalf("the keys of one went to %d only", len(to))
	}
}

// What holds for a set holds for those of it that are in: the bound, what a call
// avoids, and calls without a key.
func TestConsistentHashWithoutEjectedOnes(t *testing.T) {
	for name, inner := range hashing() {
		t.Run(name, func(t *testing.T) { withoutTwo(t, inner) })
	}
}

func withoutTwo(t *testing.T, inner lb.Strategy) {
	w := &ward{TB: t, strategy: lb.Eject(inner), now: time.Second}
	weights := []int{5, 1, 3, 5}
	w.set(weighted(weights...))
	w.observe(0, lb.Faulted, 5)
	w.observe(3, lb.Faulted, 5)
	for n := range 40 { // of one key
		i := w.picker.Pick(keyed("k"), w.now)
		w.nodes[i].Acquire()
		if most := math.Ceil(1.25 * float64(n+1) * float64(weights[i]) / 4); i == 0 || i == 3 || float64(w.nodes[i].InFlight()) > most {
			t.Fatalf("call %d: instance %d has %d in flight of at most %v", n, i, w.nodes[i].InFlight(), most)
		}
	}
	for range 100 {
		tried := []string{w.nodes[1].Instance().ID, w.nodes[2].Instance().ID}
		if i := w.picker.Pick(call.With(keyed("k"), call.Attempt(2, tried[:1])), w.now); i != 2 {
			t.Fatalf("avoiding 1 picked %d", i)
		}
		if i := w.picker.Pick(call.With(keyed("k"), call.Attempt(3, tried)), w.now); i != 1 && i != 2 {
			t.Fatalf("avoiding all picked %d", i)
		}
		if i := w.pick(); i != 1 && i != 2 {
			t.Fatalf("without a key picked %d", i)
		}
	}
}

// Two zones of eight, of which some or all are out: keys stay where they should, those
// of who is out go to others of the zone, and if the zone is gone, elsewhere.
func TestConsistentHashOfEjectedOnesInZones(t *testing.T) {
	mine := lb.ZoneCallers(0.01) // so that all calls stay in the zone
	for name, s := range map[string]lb.Strategy{
		"zone":              lb.Zone("a", lb.ConsistentHash(), mine),
		"zone, slow start":  lb.Zone("a", lb.SlowStart(lb.ConsistentHash()), mine),
		"slow start, zone":  lb.SlowStart(lb.Zone("a", lb.ConsistentHash(), mine)),
		"zone, peak EWMA":   lb.Zone("a", lb.PeakEWMA()), // which leaves nobody out by itself
		"zone, round robin": lb.Zone("a", lb.RoundRobin()),
	} {
		w := &ward{TB: t, strategy: lb.Eject(s, lb.MaxEjected(0.9)), now: time.Second}
		nodes := zoned("a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b")
		w.set(nodes)
		hashed := name != "zone, peak EWMA" && name != "zone, round robin"
		before := w.homes()
		w.observe(3, lb.Faulted, 5) // elsewhere: nobody here sees it
		if got := w.homes(); hashed && !slices.Equal(got, before) {
			t.Errorf("%s: keys moved for one in another zone", name)
		}
		w.observe(4, lb.Faulted, 5)
		if hashed {
			moved(t, before, w.homes(), nodes[4])
		}
		for _, i := range []int{0, 2, 6, 8, 10, 12} {
			w.observe(i, lb.Faulted, 5)
		}
		for _, id := range w.homes() {
			if hashed && id != nodes[14].Instance().ID {
				t.Fatalf("%s: a key went to %s, and only 14 is left in the zone", name, id)
			}
		}
		w.observe(14, lb.Faulted, 5) // now the zone is gone
		for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
			if slices.Contains(w.homes(), e.Instance.ID) {
				t.Errorf("%s: keys went to %s, which is out", name, e.Instance.ID)
			}
		}
		if got := w.homes(); !slices.Contains(got, nodes[5].Instance().ID) {
			t.Errorf("%s: nobody goes to the other zone", name)
		}
		w.observe(4, lb.Served, 1) // a call of before its ejection, which is told to nobody
	}
}

// How much stays in the zone is what is left of it fit for, and what it bears is
// compared with those that are left elsewhere.
func TestZoneWithoutEjectedOnes(t *testing.T) {
	nodes := zoned("a", "b", "a", "b", "a", "b", "a", "b", "a", "b")
	w := &ward{TB: t, strategy: lb.Eject(lb.Zone("a", lb.ConsistentHash()), lb.MaxEjected(0.9)), now: time.Second}
	w.set(nodes)
	for _, i := range []int{0, 2, 4} {
		w.observe(i, lb.Faulted, 5)
	}
	here := 0
	for _, id := range w.homes() {
		here += count(id == nodes[6].Instance().ID || id == nodes[8].Instance().ID)
	}
	if want := 1.4 * 2 / 7 / 0.5; math.Abs(float64(here)/10_000-want) > 0.02 {
		t.Errorf("%d of 10,000 stay, want %.2f", here, want)
	}
	w = &ward{TB: t, strategy: lb.Eject(lb.Zone("a", lb.ConsistentHash())), now: time.Second}
	w.set(nodes)
	for i, n := range nodes {
		if i%2 == 1 {
			w.observe(i, lb.Faulted, 5)
			continue
		}
		for range 10 { // so that an instance elsewhere would be picked
			n.Acquire()
		}
	}
	for i, picks := range w.spread(1000) {
		if i%2 == 1 {
			t.Errorf("node %d is out and got %d picks", i, picks)
		}
	}
	if slices.Contains(w.homes(), nodes[1].Instance().ID) {
		t.Error("a key went to one that is out")
	}
}

// A newcomer goes on to be one while others are ejected.
func TestEjectionLeavesNewcomersNew(t *testing.T) {
	w := joined(t, 8, lb.Eject(lb.SlowStart(lb.ConsistentHash())))
	w.spread(100)
	w.observe(0, lb.Faulted, 5)
	counts := w.spread(10_000)
	if part := float64(counts[7]) / float64(counts[6]); counts[0] > 0 || part > 0.2 || part < 0.05 {
		t.Errorf("node 0 is out and node 7 new, and picks are %v", counts)
	}
}

// The table, of 400 kB, is not made again by what ejects and returns.
func TestEjectionMakesNoTable(t *testing.T) {
	for name, inner := range hashing() {
		w := newWard(t, 20, lb.Eject(inner, lb.EjectFaults(1), lb.EjectTime(1, time.Hour)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			ejection(w)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / 10; got > 20_000 {
			t.Errorf("%s: an ejection and a return allocate %d bytes", name, got)
		}
	}
}

// ejection is one, and a return.
func ejection(w *ward) {
	w.now++
	w.observe(1, lb.Faulted, 1)
	w.now += time.Hour
	w.observe(w.pick(), lb.Served, 1)
}

func BenchmarkConsistentHashEjection(b *testing.B) {
	for name, inner := range hashing() {
		b.Run(name, func(b *testing.B) {
			w := newWard(b, 100, lb.Eject(inner, lb.EjectFaults(1), lb.EjectTime(1, time.Hour)))
			for b.Loop() {
				ejection(w)
			}
		})
	}
}
