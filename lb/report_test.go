package lb_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// report is a call to node i that brings a report.
func (w *ward) report(loads *lb.Loads, i int, utilization float64, r lb.Result) {
	loads.Of(w.nodes[i].Instance().ID).Report(utilization)
	w.observe(i, r, 1)
}

func TestLeastLoadedComparesReportsAndCalls(t *testing.T) {
	for _, tt := range []struct {
		utilization [2]float64
		inFlight    [2]int
		want        int // or either
	}{
		{[2]float64{0.9, 0.3}, [2]int{0, 0}, 1},
		{[2]float64{0.3, 0.9}, [2]int{0, 0}, 0},
		{[2]float64{0.3, 0.9}, [2]int{1, 0}, 0},
		{[2]float64{0.3, 0.9}, [2]int{3, 0}, 1},
		{[2]float64{0, 0.04}, [2]int{1, 0}, 1}, // idle is idle
		{[2]float64{0, 0.19}, [2]int{3, 0}, 1},
		{[2]float64{3, 1.4}, [2]int{0, 0}, 1},
		{[2]float64{0.5, 0.5}, [2]int{0, 0}, -1},
	} {
		loads := new(lb.Loads)
		w := newWard(t, 2, lb.LeastLoaded(loads))
		for i, n := range tt.inFlight {
			for range n {
				w.nodes[i].Acquire()
			}
			w.report(loads, i, tt.utilization[i], lb.Served)
		}
		counts := w.spread(100)
		if tt.want < 0 && (counts[0] < 20 || counts[1] < 20) || tt.want >= 0 && counts[tt.want] != 100 {
			t.Errorf("%+v: got %v", tt, counts)
		}
	}
}

// Idle instances share by weight; busy ones have a right to as many calls as their
// weight says; what they report counts as it is.
func TestLeastLoadedRespectsWeights(t *testing.T) {
	loads := new(lb.Loads)
	w := &ward{TB: t, strategy: lb.LeastLoaded(loads), now: time.Second}
	w.set(weighted(100, 300))
	if n := w.spread(10_000)[1]; n < 7000 || n > 8000 {
		t.Errorf("without reports the heavy one of 1:3 got %d of 10,000", n)
	}
	for _, tt := range []struct {
		utilization [2]float64
		inFlight    [2]int
		want        int
	}{
		{[2]float64{-1, -1}, [2]int{1, 2}, 1},
		{[2]float64{0, 0}, [2]int{1, 4}, 0},
		{[2]float64{0.4, 0.4}, [2]int{1, 2}, 1},
		{[2]float64{0.4, 0.4}, [2]int{1, 4}, 0},
		{[2]float64{0.4, 0.5}, [2]int{0, 0}, 0}, // the light one is less busy
		{[2]float64{0.4, 0.5}, [2]int{1, 1}, 1}, // 3 · 0.4 against 5/3 · 0.5
	} {
		w.set(weighted(100, 300))
		for i, n := range tt.inFlight {
			for range n {
				w.nodes[i].Acquire()
			}
			if u := tt.utilization[i]; u >= 0 {
				w.report(loads, i, u, lb.Served)
			}
		}
		if got := w.spread(100)[tt.want]; got != 100 {
			t.Errorf("%+v: got %d of 100", tt, got)
		}
	}
}

// What a report is worth depends on the call that brought it.
func TestLeastLoadedResults(t *testing.T) {
	for _, tt := range []struct {
		name        string
		before      float64 // both nodes' utilization
		utilization float64
		result      lb.Result
		lower       bool // than the other's afterwards
		higher      bool
	}{
		{"served", 0.5, 0.2, lb.Served, true, false},
		{"served", 0.5, 0.8, lb.Served, false, true},
		{"canceled", 0.5, 0.2, lb.Canceled, true, false},
		{"a fast fault", 0.5, 0.1, lb.Faulted, false, false},
		{"a fault of the overloaded", 0.5, 0.9, lb.Faulted, false, true},
		{"rejected", 0.5, 0.1, lb.Rejected, false, true},
		{"rejected by the overloaded", 2, 0.1, lb.Rejected, false, false},
		{"refused", 0.5, 0.1, lb.Refused, false, false},
	} {
		loads := new(lb.Loads)
		w := newWard(t, 2, lb.LeastLoaded(loads))
		w.report(loads, 0, tt.before, lb.Served)
		w.report(loads, 1, tt.before, lb.Served)
		w.report(loads, 1, tt.utilization, tt.result)
		counts := w.spread(100)
		if lower, higher := counts[1] == 100, counts[1] == 0; lower != tt.lower || higher != tt.higher {
			t.Errorf("%s with %v: got %v", tt.name, tt.utilization, counts)
		}
	}
}

// An instance that said once that it is busy is asked again after the expiry.
func TestLeastLoadedReportsExpire(t *testing.T) {
	loads := new(lb.Loads)
	w := newWard(t, 2, lb.LeastLoaded(loads, lb.LoadExpiry(time.Second)))
	w.report(loads, 0, 0.2, lb.Served)
	w.report(loads, 1, 0.9, lb.Served)
	for range 10 {
		w.now += time.Second / 10
		w.observe(1, lb.Served, 1) // without news
		w.report(loads, 0, 0.2, lb.Served)
		if n := w.spread(100)[1]; n > 0 && w.now < 2*time.Second {
			t.Errorf("at %v the busy one gets %d", w.now, n)
		}
	}
	if n := w.spread(100)[1]; n < 20 {
		t.Errorf("after the expiry it gets %d of 100", n)
	}
	w.report(loads, 1, 0.1, lb.Faulted) // still nothing to compare
	if n := w.spread(100)[1]; n < 20 || n > 80 {
		t.Errorf("after a fast fault it gets %d of 100", n)
	}

	for _, want := range [][2]int{{0, 0}, {20, 80}} { // a rejection, and the expiry later
		w.report(loads, 0, 0.2, lb.Served)
		if want[0] == 0 {
			w.report(loads, 1, 0.1, lb.Rejected)
		}
		if n := w.spread(100)[1]; n < want[0] || n > want[1] {
			t.Errorf("at %v, after a rejection, it gets %d of 100, want %v", w.now, n, want)
		}
		w.now += time.Second
	}

	w.report(loads, 1, 5, lb.Served)
	w.now += time.Second
	w.observe(1, lb.Rejected, 1) // without news
	w.report(loads, 0, 1.5, lb.Served)
	if n := w.spread(100)[1]; n != 100 {
		t.Errorf("after a rejection it gets %d of 100, and what it said before has expired", n)
	}
}

func TestLeastLoadedKeepsReportsOfSurvivors(t *testing.T) {
	loads := new(lb.Loads)
	all := wardNodes(3)
	w := &ward{TB: t, strategy: lb.LeastLoaded(loads), now: time.Second}
	w.set(all[:1])
	if w.pick() != 0 {
		t.Fatal("one instance is not picked")
	}
	w.set(all[:2])
	w.report(loads, 0, 0.9, lb.Served)
	old := w.picker
	w.set(all)
	w.set(all[:2])
	loads.Of("i0001").Report(0.1)
	old.(lb.Observer).Observe(1, lb.Outcome{Start: w.now, End: w.now}) // of a call of before
	if got := w.spread(100)[1]; got != 100 {
		t.Errorf("the idle one got %d of 100", got)
	}
}

func TestLoadsForgetWhoLeft(t *testing.T) {
	loads := new(lb.Loads)
	kept := loads.Of("kept")
	kept.Report(0.5)
	for i := range 100 {
		loads.Of(fmt.Sprint(i)).Report(0.5)
	}
	await(t, func() bool {
		runtime.GC()
		return loads.Len() == 1
	})
	if loads.Of("kept") != kept {
		t.Error("what somebody has is forgotten")
	}
	runtime.KeepAlive(kept)
}

func TestLoadsConcurrentSafe(t *testing.T) {
	loads := new(lb.Loads)
	w := newWard(t, 4, lb.LeastLoaded(loads))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for k := range 1000 {
				i := w.picker.Pick(t.Context(), w.now)
				loads.Of(w.nodes[i].Instance().ID).Report(float64(k%10) / 10)
				w.observe(i, lb.Result(n%5), 1)
			}
		})
	}
	wg.Wait()
}

func TestLeastLoadedAllocatesNothing(t *testing.T) {
	loads := new(lb.Loads)
	w := newWard(t, 100, lb.LeastLoaded(loads))
	load := loads.Of("i0003")
	if n := testing.AllocsPerRun(1000, func() {
		w.pick()
		load.Report(0.5)
		w.observe(3, lb.Served, 1)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReportMisuse(t *testing.T) {
	panics := func(f func(), wants ...string) {
		t.Helper()
		defer func() {
			message := fmt.Sprint(recover())
			for _, want := range wants {
				if !strings.Contains(message, want) {
					t.Errorf("the panic lacks %q: %s", want, message)
				}
			}
		}()
		f()
	}
	panics(func() { lb.LeastLoaded(nil, nil, lb.LoadExpiry(0)) },
		"lb: LeastLoaded: ", "the loads are nil", "option 1 is nil", "the expiry")
	for _, u := range []float64{-0.1, math.NaN(), math.Inf(1), math.MaxFloat64} {
		panics(func() { new(lb.Loads).Of("a").Report(u) }, "lb: Load.Report: ")
	}
}
