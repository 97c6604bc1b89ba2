package lb_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
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
	w := &ward{TB: t, strategy: lb.SlowStart(lb.RoundRobin(), lb.SlowStartBurden(1)), now: time.Second}
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

// However many are new, of whatever age, the others bear no more than they may.
func TestSlowStartBoundsWhatTheOthersBear(t *testing.T) {
	const n, picks = 40, 200_000
	for _, tt := range []struct {
		name      string
		joins     []int // at each step of 2 s, of n in the end
		opts      []lb.SlowStartOption
		low, high float64 // how many times their calls the others have
	}{
		{"one by one", []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, nil, 1.06, 1.1},
		{"half at once", []int{20}, nil, 1.09, 1.1},
		{"nearly all", []int{19, 1, 10}, nil, 1.03, 1.1},
		{"all but one", []int{39}, nil, 1.85, 1.9}, // what one alone is spared
		{"late", []int{10, 0, 0, 10}, []lb.SlowStartOption{lb.SlowStartAggression(0.5)}, 1.06, 1.1},
		{"a greater burden", []int{5, 5, 5}, []lb.SlowStartOption{lb.SlowStartBurden(0.25)}, 1.2, 1.25},
		{"any burden", []int{30}, []lb.SlowStartOption{lb.SlowStartBurden(math.Inf(1))}, 3.65, 3.75}, // 0.1 + 0.9·40/10
	} {
		w := &ward{TB: t, strategy: lb.SlowStart(lb.Random(), tt.opts...), now: time.Second}
		nodes, old := wardNodes(n), n
		for _, k := range tt.joins {
			old -= k
		}
		w.set(nodes[:old])
		joined := old
		for _, k := range tt.joins {
			joined += k
			w.set(nodes[:joined])
			w.spread(1000) // they are seen
			w.now += 2 * time.Second
		}
		counts, others := w.spread(picks), 0
		for i := range old {
			others += counts[i]
		}
		fair := float64(picks) * float64(old) / n
		if got := float64(others) / fair; got < tt.low-3/math.Sqrt(fair) || got > tt.high+3/math.Sqrt(fair) {
			t.Errorf("%s: the others have %.3f times their calls, want %v to %v", tt.name, got, tt.low, tt.high)
		}
	}
}

// Weights tell what newcomers are spared, and what the others can bear.
func TestSlowStartBoundsWhatTheOthersBearByWeight(t *testing.T) {
	w := &ward{TB: t, strategy: lb.SlowStart(lb.WeightedRoundRobin()), now: time.Second}
	weights := slices.Concat(slices.Repeat([]int{1}, 36), slices.Repeat([]int{4}, 4))
	nodes := weighted(weights...)
	w.set(nodes[:36])
	w.set(nodes)
	w.spread(1000) // they are seen
	const picks = 100_000
	counts, others := w.spread(picks), 0
	for i := range 36 {
		others += counts[i]
	}
	if got := float64(others) * 52 / 36 / picks; got < 1.06 || got > 1.12 { // by heads they would have 1.4
		t.Errorf("four of weight 4 join 36 of weight 1, who have %.3f times their calls", got)
	}
}

// In a rolling restart only those that came last are slowed down, however long the
// window is.
func TestSlowStartSlowsDownTheLast(t *testing.T) {
	w := &ward{TB: t, strategy: lb.SlowStart(lb.RoundRobin()), now: time.Second}
	nodes := wardNodes(10)
	for k := 4; k <= 10; k++ { // at the end 6 of 10 are younger than the window
		w.set(nodes[:k])
		w.spread(100)
		w.now += 4 * time.Second
	}
	counts := w.spread(10_000)
	if last, old := counts[9], counts[0]; last > old/2 || last < old/10 {
		t.Errorf("the last got %d, an old one %d", last, old)
	}
	if third, old := counts[7], counts[0]; third < old*98/100 {
		t.Errorf("one of 12 s got %d, an old one %d", third, old)
	}
}

// A pick by the set before, which knows nobody that is new, does not end the start of
// who has just joined.
func TestSlowStartBesideASetBefore(t *testing.T) {
	w := joined(t, 5, lb.SlowStart(lb.RoundRobin()))
	w.spread(100)
	w.now += 31 * time.Second
	w.spread(5) // nobody is new any more
	before := w.picker
	w.set(append(w.nodes, wardNodes(6)[5]))
	before.Pick(t.Context(), w.now)
	w.spread(100)
	if counts := w.spread(5100); counts[5] < 60 || counts[5] > 140 {
		t.Errorf("node 5 is new, and picks are %v", counts)
	}
}

func TestSlowStartConcurrentSafe(t *testing.T) {
	all := instances(20)
	e, src := endpointer(t, all[:5], nil)
	balancer := lb.New(e, lb.SlowStart(lb.Eject(lb.SlowStart(lb.LeastRequest(), lb.SlowStartWindow(time.Millisecond)),
		lb.EjectTime(time.Millisecond, 2*time.Millisecond)), lb.SlowStartWindow(5*time.Millisecond)))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				l, err := balancer.Pick(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if l.Instance().ID[4] < '5' && rand.IntN(3) > 0 {
					err = context.DeadlineExceeded
				}
				l.Done(t.Context(), err)
			}
		})
	}
	wg.Go(func() {
		for n := range 15 {
			src <- all[:6+n]
			await(t, func() bool { return e.Set().Len() == 6+n })
		}
	})
	wg.Wait()
	await(t, func() bool { // whatever was new or out, all come to be used again
		seen := map[string]bool{}
		for range 400 {
			l, _ := balancer.Pick(t.Context())
			seen[l.Instance().ID] = true
			l.Done(t.Context(), nil)
		}
		return len(seen) == 20
	})
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
		wants := []string{"lb: SlowStart: ", "the inner strategy is nil", "option 1 is nil", "the window", "the aggression", "the floor", "the burden"}
		if i := slices.IndexFunc(wants, func(want string) bool { return !strings.Contains(message, want) }); i >= 0 {
			t.Errorf("the panic lacks %q: %s", wants[i], message)
		}
	}()
	lb.SlowStart(nil, nil, lb.SlowStartWindow(0), lb.SlowStartAggression(0), lb.SlowStartFloor(0), lb.SlowStartBurden(0))
}
