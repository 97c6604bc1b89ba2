package lb_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// ejectModel is what Eject should know, kept in the plainest way.
type ejectModel struct {
	run    map[*sd.Node]int
	out    map[*sd.Node]bool
	spared map[*sd.Node]bool // not out for want of room
	panics float64           // the share of those that are well below which all are used
}

func (m *ejectModel) faulted(n *sd.Node, size int) {
	if m.run[n]++; m.run[n]%5 > 0 {
		return
	}
	if m.spared[n] = len(m.out) >= size/2; !m.spared[n] {
		m.out[n], m.run[n] = true, 0
		delete(m.spared, n)
	}
}

// panicking reports whether all of so many are used.
func (m *ejectModel) panicking(size int) bool {
	ill := len(m.out) + len(m.spared)
	return ill > 0 && float64(size-ill) < m.panics*float64(size)
}

// Whatever joins, leaves, fails and recovers: who is out is who should be, by
// what the picker says, by what it told, and by whom it picks.
func TestEjectedCountIsTheTruthUnderChurn(t *testing.T) {
	probes, panics := 0, 0
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 4))
		told := map[string]bool{}
		m := ejectModel{map[*sd.Node]int{}, map[*sd.Node]bool{}, map[*sd.Node]bool{}, []float64{0, 0.4, 0.8}[seed%3]}
		all := wardNodes(40)
		w := newWard(t, 1, lb.Eject(lb.RoundRobin(), lb.PanicThreshold(m.panics), lb.OnEject(func(e lb.Ejection, out bool) {
			if told[e.Instance.ID] = out; !out {
				delete(told, e.Instance.ID)
			}
		})))
		w.set(all[:10])
		late := w.picker // whose calls end after it was replaced
		for range 1000 {
			at := w.now // of the last picks, which may be probes
			w.now += time.Duration(random.Int64N(int64(2 * time.Second)))
			panics += count(m.panicking(len(w.nodes)))
			switch i := random.IntN(len(w.nodes)); random.IntN(8) {
			case 0: // others join and leave, by chance those that are out
				before, nodes := w.picker.(lb.Observer), w.nodes
				w.set(pickNodes(random, all, w.nodes))
				ejectShrink(w, &m)
				for i, n := range nodes { // calls of who left end now, a probe perhaps
					for range random.IntN(7) * count(!slices.Contains(w.nodes, n)) {
						before.Observe(i, lb.Outcome{Start: at, End: w.now, Result: lb.Result(random.IntN(2))})
					}
				}
			case 1, 2, 3, 4:
				if n := w.nodes[i]; !m.out[n] {
					for range random.IntN(7) {
						w.observe(i, lb.Faulted, count(!m.out[n]))
						if !m.out[n] {
							m.faulted(n, len(w.nodes))
						}
					}
				}
			case 5:
				if n := w.nodes[i]; !m.out[n] {
					w.observe(i, lb.Served, 1)
					m.run[n] = 0
					delete(m.spared, n)
				}
			case 6:
				i := w.pick()
				if n := w.nodes[i]; m.out[n] && !m.panicking(len(w.nodes)) { // a probe
					probes++
					r := lb.Result(random.IntN(5))
					w.observe(i, r, 1)
					if r == lb.Served || r == lb.Rejected {
						delete(m.out, n)
					}
				}
			case 7: // a call of the first set ends
				late.(lb.Observer).Observe(0, lb.Outcome{Start: w.now, End: w.now, Result: lb.Canceled})
			}
			ejectAgrees(w, &m, told)
		}
	}
	if probes < 100 || panics < 2000 {
		t.Errorf("there were only %d probes, and %d panics of 20,000", probes, panics)
	}
}

// pickNodes returns a random set that has much in common with the last.
func pickNodes(random *rand.Rand, all, last []*sd.Node) []*sd.Node {
	return slices.DeleteFunc(slices.Clone(all), func(n *sd.Node) bool {
		return n != all[0] && random.IntN(10) < 2+5*count(!slices.Contains(last, n))
	})
}

// ejectShrink is a change of the set, after which the model asks who was let in for
// want of room and insists on how many.
func ejectShrink(w *ward, m *ejectModel) {
	w.Helper()
	gone := func(n *sd.Node) bool { return !slices.Contains(w.nodes, n) }
	maps.DeleteFunc(m.out, func(n *sd.Node, _ bool) bool { return gone(n) })
	maps.DeleteFunc(m.run, func(n *sd.Node, _ int) bool { return gone(n) })
	maps.DeleteFunc(m.spared, func(n *sd.Node, _ bool) bool { return gone(n) })
	want := min(len(m.out), len(w.nodes)/2)
	still := map[*sd.Instance]bool{}
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		still[e.Instance] = true
	}
	maps.DeleteFunc(m.out, func(n *sd.Node, _ bool) bool { return !still[n.Instance()] })
	if len(m.out) != want {
		w.Fatalf("after a change of the set %d are out, want %d", len(m.out), want)
	}
}

func ejectAgrees(w *ward, m *ejectModel, told map[string]bool) {
	w.Helper()
	due := map[string]int{} // the probes that may be, per instance that is out
	for _, e := range w.picker.(lb.Ejecter).Ejected(w.now) {
		due[e.Instance.ID] = count(e.For == 0)
	}
	want := map[string]bool{}
	for n := range m.out {
		want[n.Instance().ID] = true
	}
	if !maps.Equal(told, want) || len(due) != len(want) {
		w.Fatalf("out are %v\nsaid to be %v\nand told %v", want, due, told)
	}
	panics, counts := m.panicking(len(w.nodes)), w.spread(2*len(w.nodes))
	for i, n := range w.nodes {
		id := n.Instance().ID
		most, out := due[id]
		if want[id] != out || !panics && out && counts[i] > most || (panics || !out) && counts[i] == 0 {
			w.Fatalf("%s is out: %v, said to be: %v, and got %d picks; in a panic: %v", id, want[id], out, counts[i], panics)
		}
	}
}

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

func TestEjectConcurrentSafe(t *testing.T) {
	var out, total atomic.Int64
	var balancer *lb.Balancer[*client]
	all := instances(20)
	e, src := endpointer(t, all, nil)
	balancer = lb.New(e, lb.Eject(lb.LeastRequest(), lb.EjectTime(time.Millisecond, 5*time.Millisecond),
		lb.EjectInterval(time.Millisecond), lb.EjectSuccessRate(1, 3, 5),
		lb.OnEject(func(_ lb.Ejection, isOut bool) {
			total.Add(1)
			out.Add(int64(2*count(isOut) - 1))
			balancer.Ejected() // must not wait for itself
		})))
	var wg sync.WaitGroup
	for n := range 8 {
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
				if n == 0 && len(balancer.Ejected()) > 20 {
					t.Error("more are out than there are")
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 20 {
			src <- all[:10+n%10]
			await(t, func() bool { return e.Set().Len() == 10+n%10 })
		}
	})
	wg.Wait()
	src <- all[:4]
	await(t, func() bool { return e.Set().Len() == 4 })
	l, _ := balancer.Pick(t.Context())
	l.Done(t.Context(), nil)
	if n := len(balancer.Ejected()); n > 2 {
		t.Errorf("%d of 4 are out", n)
	}
	if total.Load() == 0 {
		t.Error("nobody was ejected")
	}
}

func TestEjectAllocatesNothing(t *testing.T) {
	for _, faults := range []int{0, 5} {
		w := newWard(t, 100, lb.Eject(lb.LeastRequest()))
		w.observe(7, lb.Faulted, faults)
		ctx, o := t.Context(), w.picker.(lb.Observer)
		if n := testing.AllocsPerRun(1000, func() {
			w.now += time.Millisecond
			o.Observe(w.picker.Pick(ctx, w.now), lb.Outcome{Start: w.now, End: w.now})
			o.Observe(3, lb.Outcome{Start: w.now, End: w.now, Result: lb.Faulted})
			o.Observe(3, lb.Outcome{Start: w.now, End: w.now})
		}); n > 0 {
			t.Errorf("with %d faults: %v allocations", faults, n)
		}
	}
}
