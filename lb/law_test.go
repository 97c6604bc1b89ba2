package lb_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// heeding is each strategy that heeds weights, by itself and inside of those that
// heed them too. Round robin does so only inside.
func heeding(loads *lb.Loads) map[string]lb.Strategy {
	all := map[string]lb.Strategy{}
	for name, s := range map[string]lb.Strategy{
		"weighted round robin": lb.WeightedRoundRobin(), "least request": lb.LeastRequest(),
		"peak EWMA": lb.PeakEWMA(), "least loaded": lb.LeastLoaded(loads), "hash": lb.ConsistentHash(lb.HashSlots(512)),
		"round robin": lb.RoundRobin(),
	} {
		all[name] = s
		all["spilling, "+name] = lb.Zone("a", s, lb.ZoneHeadroom(1), lb.ZoneBias(1))
		all["slowly, "+name] = lb.SlowStart(s)
	}
	return all
}

// trace is who gets the calls, a few of which are in flight at any time, of instances
// in two zones, the last three of which join later. One of them fails for a while and
// one rejects a few. After every so many calls there is an update that says nothing new.
func trace(t *testing.T, s func(*lb.Loads) lb.Strategy, weights []int, every int) (picks []int) {
	loads := new(lb.Loads)
	w := &ward{TB: t, strategy: s(loads), now: time.Second}
	nodes := make([]*sd.Node, len(weights))
	for i, weight := range weights {
		id := fmt.Sprintf("w%04d", i)
		nodes[i] = sd.NewNode(&sd.Instance{ID: id, Addr: "10.0.0.1:80", Weight: weight, Zone: []string{"a", "b"}[i%2]})
	}
	w.set(nodes[:len(nodes)-3])
	var starts []time.Duration
	for k := range 600 {
		if k == 100 || k > 100 && k%every == 0 {
			w.set(nodes)
		}
		ctx := context.Background()
		if k%2 > 0 {
			ctx = keyed(fmt.Sprint(k % 41))
		}
		i := w.picker.Pick(ctx, w.now)
		picks, starts = append(picks, i), append(starts, w.now)
		nodes[i].Acquire()
		if s, ok := w.picker.(lb.Starter); ok {
			s.Start(i, w.now)
		}
		if w.now += 50 * time.Millisecond; k < 5 {
			continue
		}
		i = picks[k-5]
		nodes[i].Release()
		if o, ok := w.picker.(lb.Observer); ok {
			loads.Of(nodes[i].Instance().ID).Report(float64(1+i) / 10)
			result := lb.Served
			switch {
			case i == 1 && k < 250:
				result = lb.Faulted
			case i == 2 && k%9 == 0:
				result = lb.Rejected
			}
			o.Observe(i, lb.Outcome{Start: starts[k-5], End: w.now, Result: result})
		}
	}
	return picks
}

// A weight of zero or less is a weight of 1: the calls go the same way, one by one.
func TestAWeightBelowOneIsOne(t *testing.T) {
	ones := []int{1, 1, 1, 1, 1, 1, 1}
	for _, tt := range []struct{ said, meant []int }{
		{[]int{0, 3, -3, 2, 0, math.MinInt, 5}, []int{1, 3, 1, 2, 1, 1, 5}},
		{make([]int, 7), ones},
		{[]int{-1, -2, -3, -1, -1, -1, -9}, ones},
	} {
		for _, name := range slices.Sorted(maps.Keys(heeding(new(lb.Loads)))) {
			s := func(loads *lb.Loads) lb.Strategy { return heeding(loads)[name] }
			if k := differ(trace(t, s, tt.said, 1000), trace(t, s, tt.meant, 1000)); k >= 0 {
				t.Errorf("%s: by weights of %v call %d goes elsewhere than by %v", name, tt.said, k, tt.meant)
			}
		}
	}
}

// An update that says nothing new changes nothing, through all that goes round a
// strategy: what is known of those that stay, stays, and so does the place in a cycle.
func TestAnUpdateLosesNothing(t *testing.T) {
	weights := []int{1, 3, 2, 1, 4, 1, 2, 3}
	outside := map[string]func(lb.Strategy) lb.Strategy{
		"":                    func(s lb.Strategy) lb.Strategy { return s },
		"eject, ":             func(s lb.Strategy) lb.Strategy { return lb.Eject(s) },
		"slow start, ":        func(s lb.Strategy) lb.Strategy { return lb.SlowStart(s, quick) },
		"zone, ":              func(s lb.Strategy) lb.Strategy { return lb.Zone("a", s) },
		"slow start, eject, ": func(s lb.Strategy) lb.Strategy { return lb.SlowStart(lb.Eject(s), quick) },
		"eject, slow start, ": func(s lb.Strategy) lb.Strategy { return lb.Eject(lb.SlowStart(s, quick)) },
		"zone, eject, ":       func(s lb.Strategy) lb.Strategy { return lb.Zone("a", lb.Eject(s)) },
		"eject, zone, ":       func(s lb.Strategy) lb.Strategy { return lb.Eject(lb.Zone("a", s)) },
	}
	for round, wrap := range outside {
		for name := range heeding(new(lb.Loads)) {
			if strings.HasPrefix(name, "slowly") {
				continue // with an update, the pace is measured sooner
			}
			s := func(loads *lb.Loads) lb.Strategy { return wrap(heeding(loads)[name]) }
			if k := differ(trace(t, s, weights, 7), trace(t, s, weights, 1000)); k >= 0 {
				t.Errorf("%s%s: with updates call %d goes elsewhere than without", round, name, k)
			}
		}
	}
}

// quick is a window that is over before there is an update.
var quick = lb.SlowStartWindow(time.Nanosecond)

// differ returns the first place in which two lists of one length differ, or -1.
func differ(a, b []int) int {
	for k := range a {
		if a[k] != b[k] {
			return k
		}
	}
	return -1
}
