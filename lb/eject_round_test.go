package lb_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// wrapped is each strategy with what may go round it.
func wrapped() map[string]lb.Strategy {
	all := map[string]lb.Strategy{}
	for name, s := range map[string]lb.Strategy{
		"random": lb.Random(), "round robin": lb.RoundRobin(), "weighted round robin": lb.WeightedRoundRobin(),
		"least request": lb.LeastRequest(), "peak EWMA": lb.PeakEWMA(), "least loaded": lb.LeastLoaded(new(lb.Loads)),
	} {
		all["eject, "+name] = lb.Eject(s)
		all["slow start, "+name] = lb.SlowStart(s)
		all["slow start, eject, "+name] = lb.SlowStart(lb.Eject(s))
		all["eject, slow start, "+name] = lb.Eject(lb.SlowStart(s))
	}
	return all
}

// call is a call that lasts as long, for a picker that observes or not.
func (w *ward) call(latency time.Duration, r func(i int) lb.Result) int {
	i := w.pick()
	w.callTo(i, latency, r(i))
	return i
}

func (w *ward) callTo(i int, latency time.Duration, r lb.Result) {
	start := w.now
	w.nodes[i].Acquire()
	if s, ok := w.picker.(lb.Starter); ok {
		s.Start(i, start)
	}
	w.now += latency
	w.nodes[i].Release()
	if o, ok := w.picker.(lb.Observer); ok {
		o.Observe(i, lb.Outcome{Start: start, End: w.now, Result: r})
	}
}

// Whoever was new, failed for long or was rejected gets calls again, and in the end
// about as many as any other.
func TestNothingRoundAStrategyStarvesAnInstance(t *testing.T) {
	for name, s := range wrapped() {
		w := &ward{TB: t, strategy: s, now: time.Second}
		nodes := wardNodes(6)
		w.set(nodes[:4])
		sick := func(i int) lb.Result {
			switch {
			case w.nodes[i] == nodes[1]:
				return lb.Faulted
			case w.nodes[i] == nodes[2]:
				return lb.Rejected
			}
			return lb.Served
		}
		for range 20_000 { // half an hour or so
			w.call(100*time.Millisecond, sick)
		}
		w.set(nodes)
		well := func(int) lb.Result { return lb.Served }
		for range 20_000 {
			w.call(100*time.Millisecond, well)
		}
		counts := map[int]int{}
		for range 6000 {
			counts[w.call(100*time.Millisecond, well)]++
		}
		for i := range nodes {
			if counts[i] < 300 { // of 1,000
				t.Errorf("%s: after half an hour without trouble the nodes get %v", name, counts)
				break
			}
		}
	}
}

// The lightest, slowest and busiest of all gets a call now and then, for ever, be it new or
// not, with nothing round its strategy and with all, where calls come one by one.
func TestNoStrategyStarvesTheLightest(t *testing.T) {
	if ejectUnderRace {
		t.Skip("millions of calls, one by one: the race detector takes long, and has nothing to find")
	}
	for _, weights := range [][]int{{1, 2}, {1, 3, 3, 3}, {1, 1000, 1000}, {1, 65535}} {
		for _, joins := range []bool{false, true} {
			loads := new(lb.Loads)
			all := wrapped()
			maps.Copy(all, bare())
			all["least loaded"] = lb.LeastLoaded(loads)
			delete(all, "hash")
			delete(all, "zone")
			for name, s := range all {
				nodes := weighted(weights...)
				slices.Reverse(nodes)
				w := &ward{TB: t, strategy: s, now: time.Second}
				call := func() int {
					i := w.pick()
					light := count(w.nodes[i] == nodes[len(nodes)-1])
					loads.Of(w.nodes[i].Instance().ID).Report(0.1 + float64(light))
					w.callTo(i, time.Duration(1+9*light)*20*time.Microsecond, lb.Served)
					w.now += 100 * time.Millisecond
					return light
				}
				if w.set(nodes); joins {
					w.set(nodes[:len(nodes)-1])
					for range 500 {
						call()
					}
					w.set(nodes)
				}
				for quarter := range 4 {
					got := 0
					for k := 0; k < 5000 || got == 0 && k < 10*weights[len(weights)-1]; k++ {
						got += call()
					}
					if got == 0 {
						t.Errorf("%s, weights %v, joining: %v: the lightest gets none in quarter %d", name, weights, joins, quarter)
					}
				}
			}
		}
	}
}

// No weights, no instance, and one: whatever the registry says, picks go where they may.
func TestWhatGoesRoundAStrategyBearsAnySet(t *testing.T) {
	all := wrapped()
	all["zone"] = lb.Zone("a", lb.Eject(lb.LeastRequest()))
	all["hash"] = lb.SlowStart(lb.Eject(lb.ConsistentHash()))
	for name, s := range all {
		w := &ward{TB: t, strategy: s, now: time.Second}
		for _, weights := range [][]int{
			{0}, {-5}, {0, 0, 0}, {-1, -1, -7}, {0, math.MaxInt, -3}, {math.MaxInt, math.MaxInt}, {1}, {3, 1, 2, 9},
		} {
			w.set(weighted(weights...))
			seen := map[int]bool{}
			for range 2000 {
				seen[w.call(time.Millisecond, func(i int) lb.Result { return lb.Result(i % 5) })] = true
			}
			if len(seen) == 0 || len(weights) == 1 && !seen[0] {
				t.Errorf("%s, weights %v: picked %v", name, weights, seen)
			}
		}
	}
}

func TestAMillionInstancesWithEverythingRoundThem(t *testing.T) {
	if testing.Short() || ejectUnderRace || testing.CoverMode() != "" {
		t.Skip()
	}
	nodes := weighted(make([]int, 1_000_000)...)
	for name, s := range map[string]lb.Strategy{
		"least request": lb.SlowStart(lb.Eject(lb.LeastRequest())),
		"hash":          lb.SlowStart(lb.Eject(lb.ConsistentHash(lb.HashSlots(1 << 18)))),
		"zone":          lb.Zone("a", lb.Eject(lb.PeakEWMA())),
	} {
		w := &ward{TB: t, strategy: s, now: time.Second}
		w.set(nodes[:999_000])
		w.set(nodes) // a thousand are new
		w.observe(7, lb.Faulted, 5)
		fresh := 0
		for k := range 200_000 {
			i := w.picker.Pick(tenThousandKeys[k%10_000], w.now)
			if i == 7 || i < 0 || i >= len(nodes) {
				t.Fatalf("%s: picked %d", name, i)
			}
			fresh += count(i >= 999_000)
		}
		if e := w.picker.(lb.Ejecter).Ejected(w.now); len(e) != 1 || e[0].Instance != nodes[7].Instance() {
			t.Errorf("%s: out are %v", name, e)
		}
		if name == "least request" && fresh > 100 { // their share is 200, a tenth of it 20
			t.Errorf("%d picks went to the thousand that are new", fresh)
		}
	}
}

// Who is told of an instance that left while it was out may call the balancer, whose old
// set is gone.
func TestOnEjectMayPickFromANewSet(t *testing.T) {
	var balancer *lb.Balancer[*client]
	told := make(chan error, 1)
	e, source := endpointer(t, instances(2), nil)
	balancer = lb.New(e, lb.Zone("a", lb.SlowStart(lb.Eject(lb.RoundRobin(), lb.OnEject(func(_ lb.Ejection, out bool) {
		if out {
			return
		}
		l, err := balancer.Pick(t.Context())
		if err == nil {
			l.Done(t.Context(), nil)
		}
		told <- err
	})))))
	for len(balancer.Ejected()) == 0 {
		l, err := balancer.Pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.Instance().ID == "i0000" {
			err = context.DeadlineExceeded
		}
		l.Done(t.Context(), err)
	}
	gone := e.Set().Nodes()
	source <- instances(4)[2:]
	for _, n := range gone { // until it refuses
		await(t, func() bool {
			in := n.Acquire()
			if in {
				n.Undo()
			}
			return !in
		})
	}
	go func() {
		if l, err := balancer.Pick(t.Context()); err == nil {
			l.Done(t.Context(), nil)
		}
	}()
	select {
	case err := <-told:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for itself")
	}
}
