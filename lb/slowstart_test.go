package lb_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// joined is a ward of n nodes of which the last has just joined.
func joined(t testing.TB, n int, s lb.Strategy) *ward {
	w := &ward{TB: t, strategy: s, now: time.Second}
	nodes := wardNodes(n)
	w.set(nodes[:n-1])
	w.set(nodes)
	return w
}

// The newcomer's part is as the formula says, and the others share the rest as
// the inner strategy would have them.
func TestSlowStartRamps(t *testing.T) {
	const picks = 30_000
	for name, inner := range map[string]lb.Strategy{
		"turns": lb.RoundRobin(), "random": lb.Random(), "least request": lb.LeastRequest(),
	} {
		for _, tt := range []struct {
			age        time.Duration
			aggression float64
			part       float64
		}{
			{0, 1, 0.1}, {2 * time.Second, 1, 0.1}, {6 * time.Second, 1, 0.3}, {10 * time.Second, 1, 0.5},
			{20 * time.Second, 1, 1}, {time.Hour, 1, 1},
			{5 * time.Second, 2, 0.5}, {10 * time.Second, 0.5, 0.25}, {0, 2, 0.1}, {20 * time.Second, 2, 1},
		} {
			w := joined(t, 8, lb.SlowStart(inner,
				lb.SlowStartWindow(20*time.Second), lb.SlowStartAggression(tt.aggression)))
			w.spread(100) // it is seen
			w.now += tt.age
			counts := w.spread(picks)
			for i := range w.nodes {
				// Turns that it passes on are taken by the next: the cycle is shorter.
				cycle := 7 + tt.part
				if name != "turns" {
					cycle = 8
				}
				want := picks * tt.part / cycle
				if i < 7 {
					want = (picks - want) / 7
				}
				if got := float64(counts[i]); math.Abs(got-want) > 6*math.Sqrt(want)+1 {
					t.Errorf("%s at %v, aggression %v: node %d got %v picks, want %.0f",
						name, tt.age, tt.aggression, i, got, want)
				}
			}
		}
	}
}

// insist is a strategy that always picks the last node.
var insist = strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker { return insistent(len(nodes) - 1) })

type insistent int

func (p insistent) Pick(context.Context, time.Duration) int { return int(p) }

func TestSlowStartSparesFromWhoInsists(t *testing.T) {
	w := joined(t, 3, lb.SlowStart(insist))
	counts := w.spread(10_000)
	if counts[2] < 850 || counts[2] > 1150 || counts[0] < 4200 || counts[1] < 4200 {
		t.Errorf("of 10,000 picks for the newcomer the nodes got %v, want a tenth and the rest even", counts)
	}
}

func TestSlowStartIsForNewcomersOnly(t *testing.T) {
	nodes := wardNodes(4)
	even := func(w *ward, what string) {
		t.Helper()
		for i, c := range w.spread(400 * len(w.nodes)) {
			if c != 400 {
				t.Errorf("%s: node %d got %d of an even 400", what, i, c)
			}
		}
	}
	w := &ward{TB: t, strategy: lb.SlowStart(lb.RoundRobin()), now: time.Second}
	w.set(nodes[:2])
	even(w, "the first set")
	if _, ok := w.picker.(lb.Observer); ok {
		t.Error("the clock is read for nobody")
	}
	w.set(nodes[2:])
	even(w, "all are new")
	w.set(nodes[1:])
	if c := w.spread(1000)[0]; c > 150 {
		t.Errorf("a newcomer got %d of 1000", c)
	}
	w.now += 15 * time.Second
	w.set(nodes) // another joins, and the first goes on where it was
	counts := w.spread(10_000)
	if young, old := counts[0], counts[1]; young < 250 || young > 600 || old < 1500 || old > 2200 {
		t.Errorf("two newcomers, at a tenth and a half of %v: %v", counts[2], counts)
	}
	w.now += time.Hour
	w.spread(100)
	w.set(nodes[:3])
	even(w, "all are old")
	if _, ok := w.picker.(lb.Observer); ok {
		t.Error("the clock is read for nobody")
	}
}

// Inside and outside of Eject.
func TestSlowStartWithEject(t *testing.T) {
	for name, s := range map[string]lb.Strategy{
		"inside":  lb.Eject(lb.SlowStart(lb.RoundRobin())),
		"outside": lb.SlowStart(lb.Eject(lb.RoundRobin())),
	} {
		w := joined(t, 5, s)
		w.spread(100)
		w.observe(1, lb.Faulted, 5)
		w.now += 15*time.Second - 1
		counts := w.spread(9000)
		if counts[1] > 0 || counts[4] < 1100 || counts[4] > 1500 {
			t.Errorf("%s: the half-started node 4 and the ejected node 1: %v", name, counts)
		}
		e := w.picker.(lb.Ejecter).Ejected(w.now)
		w.now += e[0].For
		if n := w.spread(100)[1]; n != 1 {
			t.Errorf("%s: %d probes", name, n)
		}
		w.observe(1, lb.Served, 1)
		if n := w.spread(100)[1]; n < 15 {
			t.Errorf("%s: after its return node 1 got %d picks", name, n)
		}
	}
}

func TestEjectedThroughSlowStart(t *testing.T) {
	e, _ := endpointer(t, instances(3), nil)
	plain, slow := lb.New(e, lb.Random()), lb.New(e, lb.SlowStart(lb.Eject(lb.Random())))
	if plain.Ejected() != nil || slow.Ejected() != nil {
		t.Error("some are out before the first pick")
	}
	for range 200 {
		for _, b := range []*lb.Balancer[*client]{plain, slow} {
			l, _ := b.Pick(t.Context())
			var err error
			if l.Instance().ID == "i0001" {
				err = context.DeadlineExceeded
			}
			l.Done(t.Context(), err)
		}
	}
	if plain.Ejected() != nil || len(slow.Ejected()) != 1 || slow.Ejected()[0].Instance.ID != "i0001" {
		t.Errorf("out are %v and %v", plain.Ejected(), slow.Ejected())
	}
}

func TestSlowStartAllocatesNothing(t *testing.T) {
	w := joined(t, 3, lb.SlowStart(lb.LeastRequest(), lb.SlowStartAggression(2)))
	o := w.picker.(lb.Observer)
	if n := testing.AllocsPerRun(1000, func() {
		w.now += time.Millisecond
		o.Observe(w.pick(), lb.Outcome{Start: w.now, End: w.now})
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSlowStartMisuse(t *testing.T) {
	defer func() {
		message := fmt.Sprint(recover())
		wants := []string{"lb: SlowStart: ", "the inner strategy is nil", "option 1 is nil", "the window", "the aggression", "the floor"}
		if i := slices.IndexFunc(wants, func(want string) bool { return !strings.Contains(message, want) }); i >= 0 {
			t.Errorf("the panic lacks %q: %s", wants[i], message)
		}
	}()
	lb.SlowStart(nil, nil, lb.SlowStartWindow(0), lb.SlowStartAggression(0), lb.SlowStartFloor(0))
}
