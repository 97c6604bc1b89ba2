package lb_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// ward drives a strategy's picker as a balancer does, on a clock of its own and with
// fixed chance.
type ward struct {
	testing.TB
	strategy lb.Strategy
	nodes    []*sd.Node
	picker   lb.Picker
	now      time.Duration
}

func newWard(t testing.TB, n int, s lb.Strategy) *ward {
	w := &ward{TB: t, strategy: s, now: time.Second}
	w.set(wardNodes(n))
	return w
}

func wardNodes(n int) (nodes []*sd.Node) {
	for _, in := range instances(n) {
		nodes = append(nodes, sd.NewNode(in))
	}
	return nodes
}

func (w *ward) set(nodes []*sd.Node) {
	if w.picker == nil {
		w.strategy = fixed(w.strategy)
	}
	w.nodes, w.picker = nodes, w.strategy.Picker(nodes, w.picker)
}

func (w *ward) pick() int { return w.picker.Pick(context.Background(), w.now) }

// observe is n calls to node i that begin and end now.
func (w *ward) observe(i int, r lb.Result, n int) {
	for range n {
		w.picker.(lb.Observer).Observe(i, lb.Outcome{Start: w.now, End: w.now, Result: r})
	}
}

// spread is who gets n picks.
func (w *ward) spread(n int) map[int]int {
	counts := map[int]int{}
	for range n {
		counts[w.pick()]++
	}
	return counts
}

// out is who is left out by what the picker says and by what it does.
func (w *ward) out() (out []int) {
	w.Helper()
	counts := w.spread(3 * len(w.nodes))
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		i := slices.IndexFunc(w.nodes, func(n *sd.Node) bool { return n.Instance() == e.Instance })
		if i < 0 || counts[i] > 0 {
			w.Fatalf("%s (node %d) is said to be out and got %d picks", e.Instance.ID, i, counts[i])
		}
		out = append(out, i)
	}
	if len(counts)+len(out) != len(w.nodes) {
		w.Fatalf("%v are out of %d, and %v were picked", out, len(w.nodes), counts)
	}
	return out
}

// only wants just that node to be out, and says how.
func (w *ward) only(i int) lb.Ejection {
	w.Helper()
	if out := w.out(); !slices.Equal(out, []int{i}) {
		w.Fatalf("%v are out, want node %d", out, i)
	}
	return w.picker.(lb.Ejecter).Ejected(w.now)[0]
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
