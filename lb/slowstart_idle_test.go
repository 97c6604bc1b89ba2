package lb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Newcomers that get no calls, since they are in another zone, take no slow start away
// from one that does.
func TestSlowStartBesideNewcomersThatNobodyCalls(t *testing.T) {
	s := lb.SlowStart(lb.Zone("a", lb.RoundRobin(), lb.ZoneCallers(0.01)))
	w := &ward{TB: t, strategy: s, now: time.Second}
	old := zoned("a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "b", "b", "b")
	w.set(old[1:])
	deployed := append(old[1:5:5], zoned("a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "b", "b", "b")[5:]...)
	w.set(deployed)
	for range 120 {
		w.spread(100)
		w.now += time.Second
	}
	w.set(append(old[:1:1], deployed...))
	w.spread(100)
	if counts := w.spread(4100); counts[0] < 60 || counts[0] > 140 {
		t.Errorf("node 0 is new, and picks are %v", counts)
	}
}

// Once they do get calls, all at a time, the others soon bear no more than they may, but for
// what an eighth of those that are new is spared, which need not be measured.
func TestSlowStartOfNewcomersThatAreCalledLate(t *testing.T) {
	const n, old, picks = 40, 10, 100_000
	all, random := false, rand.New(rand.NewPCG(1, 2))
	inner := strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker {
		return pickerFunc(func() int {
			if all {
				return random.IntN(len(nodes))
			}
			return random.IntN(old)
		})
	})
	w := &ward{TB: t, strategy: lb.SlowStart(inner), now: time.Second}
	nodes := wardNodes(n)
	w.set(nodes[:old])
	w.set(nodes)
	for range 120 {
		w.spread(10)
		w.now += time.Second
	}
	all = true
	w.spread(400)
	counts, others := w.spread(picks), 0
	for i := range old {
		others += counts[i]
	}
	if got := float64(others) / (picks * old / n); got < 1.06 || got > 1.15 {
		t.Errorf("the others have %.3f times their calls", got)
	}
}
