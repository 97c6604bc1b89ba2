package lb_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

func TestEjectAfterARunOfFaults(t *testing.T) {
	const s, f, j, c, r = lb.Served, lb.Faulted, lb.Rejected, lb.Canceled, lb.Refused
	for _, tt := range []struct {
		results []lb.Result
		out     bool
	}{
		{[]lb.Result{f, f, f, f}, false},
		{[]lb.Result{f, f, f, f, f}, true},
		{[]lb.Result{f, f, f, f, s, f, f, f, f}, false},
		{[]lb.Result{f, f, f, f, j, f, f, f, f}, false},
		{[]lb.Result{f, f, f, f, c, r, c, r, f}, true},
		{[]lb.Result{j, j, j, j, j, j, c, c, c, c, c, c, r, r, r, r, r, r}, false},
	} {
		w := newWard(t, 5, lb.Eject(lb.RoundRobin()))
		for _, result := range tt.results {
			w.observe(2, result, 1)
		}
		if !tt.out {
			if out := w.out(); len(out) > 0 {
				t.Errorf("%v: %v are out", tt.results, out)
			}
			continue
		}
		e := w.only(2)
		if e.Cause != lb.ConsecutiveFaults || e.Times != 1 || e.For < 15*time.Second || e.For > 30*time.Second {
			t.Errorf("%v: %+v", tt.results, e)
		}
	}
}

func TestEjectAfterALowSuccessRate(t *testing.T) {
	for _, tt := range []struct {
		name         string
		nodes, calls int
		bad, faults  int // the last nodes that fault, and how often in a hundred calls
		factor       float64
		out          bool
	}{
		{"half", 6, 100, 1, 50, 1.9, true},
		{"as few instances as may be", 5, 100, 1, 50, 1.9, true},
		{"too few instances", 4, 100, 1, 50, 1, false},
		{"too few calls", 6, 99, 1, 50, 1.9, false},
		{"flawless but for one", 6, 100, 1, 1, 1.9, false},
		{"not enough of a gap", 6, 100, 1, 4, 1.9, false},
		{"enough of a gap", 100, 100, 1, 6, 1.9, true},
		{"no outlier among many", 6, 100, 3, 50, 1.9, false},
	} {
		w := newWard(t, tt.nodes, lb.Eject(lb.RoundRobin(), lb.EjectFaults(1000), lb.EjectSuccessRate(tt.factor, 5, 100)))
		w.observe(0, lb.Served, 1) // the interval begins
		w.now += 10 * time.Second
		w.observe(0, lb.Served, 1) // and the one that counts
		for i := range tt.nodes {
			bad := count(i >= tt.nodes-tt.bad) * tt.faults * tt.calls / 100
			w.observe(i, lb.Faulted, bad)
			w.observe(i, lb.Served, tt.calls-bad-count(i == 1))
		}
		w.now += 10 * time.Second
		w.observe(1, lb.Served, 1)
		if !tt.out {
			if out := w.out(); len(out) > 0 {
				t.Errorf("%s: %v are out", tt.name, out)
			}
		} else if e := w.only(tt.nodes - 1); e.Cause != lb.LowSuccessRate {
			t.Errorf("%s: %+v", tt.name, e)
		}
	}
}

// However many have a low success rate, no more are out than may be.
func TestEjectLeavesEnoughAfterALowSuccessRate(t *testing.T) {
	w := newWard(t, 10, lb.Eject(lb.RoundRobin(), lb.EjectFaults(1000), lb.EjectSuccessRate(0, 5, 100), lb.MaxEjected(0.2)))
	w.observe(0, lb.Served, 1) // the interval begins
	w.now += 10 * time.Second
	w.observe(0, lb.Served, 1) // and the one that counts
	for i := range 10 {
		bad := 50 * count(i < 4)
		w.observe(i, lb.Faulted, bad)
		w.observe(i, lb.Served, 100-bad)
	}
	w.now += 10 * time.Second
	w.observe(9, lb.Served, 1)
	if out := w.out(); len(out) != 2 || out[1] >= 4 {
		t.Errorf("%v are out, want two of the first four", out)
	}
}

// The calls before an ejection, and those before an interval, count no longer.
func TestEjectBeginsAnew(t *testing.T) {
	w := newWard(t, 6, lb.Eject(lb.RoundRobin(), lb.EjectFaults(60)))
	interval := func(faults int) {
		for i := range 6 {
			bad := count(i == 5) * faults
			w.observe(i, lb.Served, 100-bad)
			w.observe(i, lb.Faulted, bad)
		}
		w.now += 10 * time.Second
		w.observe(0, lb.Served, 1)
	}
	interval(50) // of which the first call ends an interval too
	interval(50)
	w.now += w.only(5).For
	w.spread(20)
	w.observe(5, lb.Served, 1)
	w.observe(5, lb.Faulted, 59)
	if out := w.out(); len(out) > 0 {
		t.Errorf("%v are out for a run that began before the ejection", out)
	}
	w.observe(5, lb.Served, 10000)
	w.now += 10 * time.Second
	w.observe(0, lb.Served, 1)
	interval(50)
	if e := w.only(5); e.Cause != lb.LowSuccessRate {
		t.Errorf("a good interval makes up for a bad one: %+v", e)
	}
}

// Out and in again within one interval.
func TestEjectCountsNothingFromBeforeAReturn(t *testing.T) {
	w := newWard(t, 6, lb.Eject(lb.RoundRobin(), lb.EjectTime(time.Second, time.Second), lb.EjectFaults(50)))
	w.observe(0, lb.Served, 1)
	w.observe(5, lb.Faulted, 50)
	w.now += w.only(5).For
	w.spread(20)
	w.observe(5, lb.Served, 1)
	for i := range 6 {
		w.observe(i, lb.Served, 100)
	}
	w.now += 10 * time.Second
	w.observe(0, lb.Served, 1)
	if out := w.out(); len(out) > 0 {
		t.Errorf("%v are out", out)
	}
}

func TestEjectForgets(t *testing.T) {
	w := newWard(t, 3, lb.Eject(lb.RoundRobin()))
	eject := func() int {
		w.observe(1, lb.Faulted, 5)
		e := w.only(1)
		w.now += e.For
		w.spread(10)
		w.observe(1, lb.Served, 1)
		return e.Times
	}
	got := []int{eject(), eject(), eject()}
	w.now += 10 * time.Second
	w.observe(0, lb.Served, 1)
	got = append(got, eject())
	w.now += time.Hour
	w.observe(0, lb.Served, 1)
	got = append(got, eject())
	// Each ejection lasts longer than an interval, but only time in counts.
	if want := []int{1, 2, 3, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("ejections in a row: %v, want %v", got, want)
	}
}

func TestEjectLeavesEnough(t *testing.T) {
	for _, tt := range []struct {
		n     int
		share float64
		want  int
	}{
		{1, 0.5, 0}, {2, 0.5, 1}, {3, 0.5, 1}, {4, 0.5, 2}, {11, 0.5, 5},
		{1, 1, 0}, {2, 1, 1}, {5, 1, 4}, {5, 0, 0}, {9, 0.1, 0}, {10, 0.1, 1},
	} {
		w := newWard(t, tt.n, lb.Eject(lb.RoundRobin(), lb.MaxEjected(tt.share), lb.PanicThreshold(0)))
		for i := range tt.n {
			w.observe(i, lb.Faulted, 20)
		}
		if got := len(w.out()); got != tt.want {
			t.Errorf("%d of %d are out, want %d of them at %v", got, tt.n, tt.want, tt.share)
		}
	}
}

// The set shrinks to those that are out: the first that would return do at once.
func TestEjectLeavesEnoughOfASmallerSet(t *testing.T) {
	w := newWard(t, 10, lb.Eject(lb.RoundRobin()))
	for i := range 5 {
		w.observe(i, lb.Faulted, 5)
		w.now += time.Minute / 12
	}
	left := map[string]time.Duration{}
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		left[e.Instance.ID] = e.For
	}
	w.set(w.nodes[:6])
	in := slices.Collect(maps.Keys(left))
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		in = slices.DeleteFunc(in, func(id string) bool { return id == e.Instance.ID })
	}
	if len(in) != 2 {
		t.Fatalf("%d of 5 return, want 2", len(in))
	}
	shortest := slices.Sorted(maps.Values(left))
	for _, id := range in {
		if left[id] > shortest[1] {
			t.Errorf("%s returns with %v left, of %v", id, left[id], shortest)
		}
	}
}

func TestEjectPanics(t *testing.T) {
	w := newWard(t, 4, lb.Eject(lb.RoundRobin()))
	for i := range 3 {
		w.observe(i, lb.Faulted, 5)
	}
	// Two are out and one ought to be: a quarter is well.
	if n := len(w.spread(40)); n != 4 {
		t.Errorf("in a panic %d of 4 are used", n)
	}
	if n := len(w.picker.(lb.Ejecter).Ejected(w.now)); n != 2 {
		t.Errorf("%d are out, want 2", n)
	}
	w.observe(0, lb.Served, 1) // no probe: it proves nothing
	if n := len(w.spread(40)); n != 4 {
		t.Errorf("in a panic %d of 4 are used", n)
	}
	w.observe(2, lb.Served, 1)
	if out := w.out(); !slices.Equal(out, []int{0, 1}) {
		t.Errorf("after the panic %v are out", out)
	}
}

// One that was spared and is ejected later counts once.
func TestEjectOfOneThatWasSpared(t *testing.T) {
	w := newWard(t, 10, lb.Eject(lb.RoundRobin(), lb.PanicThreshold(0.4)))
	w.observe(0, lb.Faulted, 5)
	w.now += 15*time.Second - 1 // so that no other is due sooner
	for i := range 5 {
		w.observe(1+i, lb.Faulted, 5)
	}
	w.now += w.picker.(lb.Ejecter).Ejected(w.now)[0].For
	if i := w.pick(); i != 0 {
		t.Fatalf("the probe went to node %d", i)
	}
	w.observe(0, lb.Served, 1)
	w.observe(5, lb.Faulted, 5)
	w.observe(6, lb.Faulted, 5) // there is no room for this one
	if out := w.out(); !slices.Equal(out, []int{1, 2, 3, 4, 5}) {
		t.Errorf("out are %v; with six of ten ill there is no panic", out)
	}
}

// Nothing hides that an Eject is in another one.
func TestEjectRoundEject(t *testing.T) {
	inner := lb.Eject(lb.RoundRobin())
	for name, s := range map[string]lb.Strategy{
		"directly": inner, "slow start": lb.SlowStart(inner), "zone": lb.Zone("a", inner), "seeded": fixed(inner),
		"all": lb.SlowStart(fixed(lb.Zone("a", lb.SlowStart(inner)))),
	} {
		func() {
			defer func() {
				if message := fmt.Sprint(recover()); message != "lb: Eject: the inner strategy ejects already, and one Eject can do all of it" {
					t.Errorf("%s: the panic says %s", name, message)
				}
			}()
			lb.Eject(s)
		}()
	}
}

func TestEjectMisuse(t *testing.T) {
	defer func() {
		message := fmt.Sprint(recover())
		for _, want := range []string{
			"lb: Eject: ", "the inner strategy is nil", "option 1 is nil", "the faults", "a success rate",
			"the interval", "the time", "the share", "the panic threshold", "the function",
		} {
			if !strings.Contains(message, want) {
				t.Errorf("the panic lacks %q: %s", want, message)
			}
		}
	}()
	lb.Eject(nil, nil, lb.EjectFaults(0), lb.EjectSuccessRate(-1, 5, 5), lb.EjectInterval(0), lb.EjectTime(2, 1),
		lb.MaxEjected(1.1), lb.PanicThreshold(-1), lb.OnEject(nil))
}
