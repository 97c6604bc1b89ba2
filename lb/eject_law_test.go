package lb_test

import (
	"context"
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
