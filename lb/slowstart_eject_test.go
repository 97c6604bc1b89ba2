package lb_test

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// What returns from an ejection is new again, inside and outside of Eject, and
// through a Zone between.
func TestSlowStartOfWhatReturnsFromEjection(t *testing.T) {
	for name, s := range map[string]lb.Strategy{
		"inside":               lb.Eject(lb.SlowStart(lb.RoundRobin())),
		"outside":              lb.SlowStart(lb.Eject(lb.RoundRobin())),
		"inside, in a zone":    lb.Eject(lb.Zone("a", lb.SlowStart(lb.RoundRobin()))),
		"outside, round zones": lb.SlowStart(lb.Zone("a", lb.Eject(lb.RoundRobin()))),
	} {
		w := newWard(t, 5, s)
		w.spread(100)
		w.observe(1, lb.Faulted, 5)
		e := w.picker.(lb.Ejecter).Ejected(w.now)
		if len(e) != 1 || w.spread(100)[1] > 0 {
			t.Fatalf("%s: out are %v", name, e)
		}
		w.now += e[0].For
		if n := w.spread(100)[1]; n != 1 {
			t.Errorf("%s: %d probes", name, n)
		}
		w.observe(1, lb.Served, 1)
		for _, tt := range []struct {
			age  time.Duration
			part float64
		}{{0, 0.1}, {15 * time.Second, 0.5}, {15 * time.Second, 1}} {
			w.now += tt.age
			counts := w.spread(9000)
			if got, want := float64(counts[1]), 9000*tt.part/(4+tt.part); math.Abs(got-want) > 6*math.Sqrt(want) {
				t.Errorf("%s: %v later it got %v picks, want %.0f", name, tt.age, got, want)
			}
		}
	}
}

// So it does if a pick that began before it returned ends after.
func TestSlowStartOfWhatReturnsDuringAPick(t *testing.T) {
	began, goOn := make(chan bool), make(chan bool)
	slow := false
	inner := strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker {
		return pickerFunc(func() int {
			if slow {
				slow = false
				began <- true
				<-goOn
			}
			return rand.IntN(len(nodes))
		})
	})
	w := newWard(t, 5, lb.Eject(lb.SlowStart(inner)))
	w.observe(1, lb.Faulted, 5)
	w.now += time.Hour
	if i := w.pick(); i != 1 {
		t.Fatalf("the probe went to %d", i)
	}
	slow = true
	var pick sync.WaitGroup
	pick.Go(func() { w.pick() })
	<-began
	w.observe(1, lb.Served, 1)
	goOn <- true
	pick.Wait()
	w.spread(100)
	if counts := w.spread(4100); counts[1] < 60 || counts[1] > 140 {
		t.Errorf("node 1 has returned, and picks are %v", counts)
	}
}

// Who insists on a newcomer is not sent to one that is out instead.
func TestSlowStartSparesNobodyIntoAnEjectedOne(t *testing.T) {
	w := joined(t, 3, lb.SlowStart(lb.Eject(insist)))
	w.observe(0, lb.Faulted, 5)
	if counts := w.spread(1000); counts[0] > 0 || counts[1] < 850 {
		t.Errorf("node 0 is out and node 2 new, and picks are %v", counts)
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

type pickerFunc func() int

func (f pickerFunc) Pick(context.Context, time.Duration) int { return f() }
