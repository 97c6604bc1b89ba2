package lb_test

import (
	"math"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

func TestEjectProbes(t *testing.T) {
	w := newWard(t, 3, lb.Eject(lb.RoundRobin()))
	w.observe(1, lb.Faulted, 5)
	for times := 1; times <= 12; times++ {
		e := w.only(1)
		lasts := min(30*time.Second*time.Duration(times), 5*time.Minute)
		if e.Times != times || e.For < lasts/2 || e.For > lasts {
			t.Fatalf("ejection %d is %+v, want %v to %v", times, e, lasts/2, lasts)
		}
		if times > 1 && e.Cause != lb.FailedProbe {
			t.Fatalf("the cause of ejection %d is %v", times, e.Cause)
		}
		w.now += e.For - 1
		w.only(1)
		w.now++
		if got := w.spread(30)[1]; got != 1 {
			t.Fatalf("ejection %d ends with %d probes, want 1", times, got)
		}
		w.observe(1, lb.Faulted, 1)
	}
	w.now += w.only(1).For
	w.spread(10)
	w.observe(1, lb.Served, 1)
	if out := w.out(); len(out) > 0 {
		t.Fatalf("%v are out after a good probe", out)
	}
	w.observe(1, lb.Faulted, 4)
	if out := w.out(); len(out) > 0 {
		t.Errorf("faults from before the ejection count: %v", out)
	}
}

// What the probe may be other than good or bad.
func TestEjectProbesAgain(t *testing.T) {
	due := func(t *testing.T) *ward {
		w := newWard(t, 3, lb.Eject(lb.RoundRobin()))
		w.observe(1, lb.Faulted, 5)
		w.now += w.only(1).For
		return w
	}
	probes := func(w *ward, want int) {
		w.Helper()
		if got := w.spread(30)[1]; got != want {
			w.Errorf("got %d probes, want %d", got, want)
		}
	}
	for _, r := range []lb.Result{lb.Canceled, lb.Refused} {
		w := due(t)
		probes(w, 1)
		w.observe(1, r, 1)
		probes(w, 0)
		w.now += time.Second
		probes(w, 1)
		w.observe(1, lb.Rejected, 1) // it is alive
		if len(w.out()) > 0 {
			t.Error("an instance that answers is out")
		}
	}
	t.Run("whose pick came to nothing", func(t *testing.T) {
		w := due(t)
		probes(w, 1)
		w.now += time.Second - 1
		probes(w, 0)
		w.now++
		probes(w, 1)
	})
	t.Run("that hangs", func(t *testing.T) {
		w := due(t)
		probes(w, 1)
		w.nodes[1].Acquire()
		for range 29 {
			w.now += time.Second
			probes(w, 0)
		}
		w.now += time.Second
		probes(w, 1)
	})
	for _, tt := range []struct {
		r     lb.Result
		times int // it was ejected, if it is out
	}{{lb.Served, 0}, {lb.Rejected, 0}, {lb.Faulted, 2}, {lb.Canceled, 1}, {lb.Refused, 1}} {
		t.Run("that ends after the next began", func(t *testing.T) {
			w := due(t)
			began := w.now
			probes(w, 1)
			w.nodes[1].Acquire()
			w.now += 30 * time.Second
			next := w.now
			probes(w, 1)
			w.now += time.Second
			end := func(start time.Duration, r lb.Result) {
				w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: start, End: w.now, Result: r})
			}
			end(began, tt.r)
			if tt.times == 0 {
				if len(w.out()) > 0 {
					t.Errorf("it is out after %v", tt.r)
				}
				return
			}
			if e := w.only(1); e.Times != tt.times {
				t.Errorf("after %v: %+v", tt.r, e)
			}
			if end(next, lb.Served); (len(w.out()) > 0) != (tt.r == lb.Faulted) {
				t.Errorf("after %v and a good probe %v are out", tt.r, w.out())
			}
		})
	}
	t.Run("that lasts", func(t *testing.T) {
		w := due(t)
		probes(w, 1)
		w.nodes[1].Acquire()
		w.nodes[1].Last(true)
		w.now += 29 * time.Second
		probes(w, 0)
		w.nodes[1].Acquire() // something that hangs
		w.now += time.Second
		probes(w, 1)
		w.nodes[1].Release()
		w.now += 29 * time.Second
		probes(w, 0)
		w.now += time.Second
		if w.spread(1); len(w.out()) > 0 {
			t.Error("it is out, and all that it has lasts")
		}
	})
	t.Run("whose pick came to nothing while an older call lasts", func(t *testing.T) {
		w := due(t)
		w.nodes[1].Acquire()
		w.nodes[1].Last(true)
		for range 3 {
			w.now += 30 * time.Second
			probes(w, 1)
		}
		w.only(1)
	})
	t.Run("by a call that avoids it", func(t *testing.T) {
		w := due(t)
		ctx := call.With(t.Context(), call.Attempt(2, []string{"i0001"}))
		for range 10 {
			if i := w.picker.Pick(ctx, w.now); i == 1 {
				t.Error("the probe goes to an instance that the call avoids")
			}
		}
		probes(w, 1)
	})
	t.Run("while older calls end", func(t *testing.T) {
		w := due(t)
		probes(w, 1)
		for _, r := range []lb.Result{lb.Served, lb.Faulted} {
			w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now - 1, End: w.now, Result: r})
			if e := w.only(1); e.Times != 1 {
				t.Errorf("a call that began before the probe is taken for it: %+v", e)
			}
		}
		w.now++
		w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now - 1, End: w.now, Result: lb.Served})
		for range 9 {
			w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now - 1, End: w.now, Result: lb.Faulted})
		}
		if len(w.out()) > 0 {
			t.Error("calls from before the return count")
		}
	})
}

// Who is told of an end of time, by a setting or by an error, does not meet the
// beginning of it.
func TestEjectKnowsForever(t *testing.T) {
	w := newWard(t, 3, lb.Eject(lb.RoundRobin(), lb.EjectInterval(math.MaxInt64), lb.EjectSuccessRate(0, 2, 1)))
	for range 3 { // no interval ends
		for i := range 3 {
			w.observe(i, lb.Served, 20)
			w.observe(i, lb.Faulted, 3*count(i == 1))
		}
		w.now += time.Hour
	}
	if out := w.out(); len(out) > 0 {
		t.Errorf("%v are out for their success rate", out)
	}
	w.observe(1, lb.Faulted, 5)
	w.now += w.only(1).For
	w.spread(10)
	w.picker.(lb.Observer).Observe(1, lb.Outcome{Start: w.now, End: w.now, Result: lb.Refused, RetryAfter: math.MaxInt64})
	if e := w.only(1); e.For != 5*time.Minute {
		t.Errorf("the next probe is in %v", e.For)
	}
	w = newWard(t, 3, lb.Eject(lb.RoundRobin(), lb.EjectTime(math.MaxInt64, math.MaxInt64)))
	w.now = math.MaxInt64 / 2
	w.observe(1, lb.Faulted, 5)
	if e := w.only(1); e.For < 10*365*24*time.Hour {
		t.Errorf("it is out for %v", e.For)
	}
}
