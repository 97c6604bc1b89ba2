package lb_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// spy is a strategy that takes turns, counts what it observes per node, and keeps
// the counts as pickers should.
type spy struct{ made *atomic.Int64 }

type spyPicker struct {
	nodes []*sd.Node
	seen  []*spyCount
	turn  *atomic.Uint32
}

type spyCount struct {
	node         *sd.Node
	calls, began atomic.Int64
}

func (s spy) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker {
	s.made.Add(1)
	fresh := func(n *sd.Node) *spyCount { return &spyCount{node: n} }
	last, ok := prev.(*spyPicker)
	if !ok {
		last = &spyPicker{turn: new(atomic.Uint32)}
	}
	return &spyPicker{nodes, lb.Carry(nodes, last.nodes, last.seen, fresh), last.turn}
}

func (p *spyPicker) Pick(context.Context, time.Duration) int {
	return int(p.turn.Add(1)) % len(p.nodes)
}

func (p *spyPicker) Start(i int, now time.Duration) {
	if p.seen[i].node != p.nodes[i] || now < time.Second {
		panic("the start is of another node")
	}
	p.seen[i].began.Add(1)
}

func (p *spyPicker) Observe(i int, o lb.Outcome) {
	if p.seen[i].node != p.nodes[i] {
		panic("the state is of another node")
	}
	// The test hides the index it means in RetryAfter.
	if want := fmt.Sprintf("i%04d", int(o.RetryAfter)); p.nodes[i].Instance().ID != want {
		panic(fmt.Sprintf("node %s is told of %s", p.nodes[i].Instance().ID, want))
	}
	p.seen[i].calls.Add(1)
}

// The inner strategy hears of every call, under the right index, through
// ejections, returns and changes of the set, and keeps what it knows.
func TestEjectKeepsWhatInnerKnows(t *testing.T) {
	made := new(atomic.Int64)
	var last lb.Picker
	hook := strategyFunc(func(nodes []*sd.Node, prev lb.Picker) lb.Picker {
		last = spy{made}.Picker(nodes, prev)
		return last
	})
	w := newWard(t, 1, lb.SlowStart(lb.Eject(lb.SlowStart(hook))))
	all := wardNodes(8)
	w.set(all)
	calls := make([]int64, len(all))
	tell := func(p lb.Picker, nodes []*sd.Node, i int, r lb.Result) {
		id := slices.Index(all, nodes[i])
		calls[id]++
		p.(lb.Starter).Start(i, w.now)
		p.(lb.Observer).Observe(i, lb.Outcome{Start: w.now, End: w.now, Result: r, RetryAfter: time.Duration(id)})
	}
	for round := range 2000 {
		w.now += 100 * time.Millisecond
		i := w.pick()
		r := lb.Served
		if w.nodes[i] == all[2] && round < 1000 || w.nodes[i] == all[6] {
			r = lb.Faulted
		}
		tell(w.picker, w.nodes, i, r)
		if round%100 == 50 { // 7 leaves and joins, and loses what was known
			p, nodes := w.picker, w.nodes
			w.set(all[:7+count(round%200 == 50)])
			tell(p, nodes, 1, lb.Served)
		}
	}
	w.set(all[:7])
	for _, c := range last.(*spyPicker).seen {
		if id := slices.Index(all, c.node); c.calls.Load() != calls[id] || c.began.Load() != calls[id] {
			t.Errorf("node %d had %d calls and inner knows of %d begun and %d ended",
				id, calls[id], c.began.Load(), c.calls.Load())
		}
	}
	w.only(6)
	if n := made.Load(); n < 30 || n > 90 {
		t.Errorf("inner made %d pickers in 22 sets and about a dozen ejections", n)
	}
}

type strategyFunc func(nodes []*sd.Node, prev lb.Picker) lb.Picker

func (f strategyFunc) Picker(nodes []*sd.Node, prev lb.Picker) lb.Picker { return f(nodes, prev) }
