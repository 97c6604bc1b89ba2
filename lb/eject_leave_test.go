package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// zonesOf returns an instance of each zone.
func zonesOf(zones string) []sd.Instance {
	set := make([]sd.Instance, len(zones))
	for i, z := range zones {
		set[i] = sd.Instance{ID: fmt.Sprint(i), Addr: fmt.Sprintf("10.0.0.%d:80", i), Zone: string(z)}
	}
	return set
}

// Whoever is told that an instance is out is told that it is out no longer, when it leaves
// as the last of its zone or with all others, too, and though there is nobody to pick.
func TestOnEjectTellsOfTheLastThatLeave(t *testing.T) {
	for name, round := range map[string]func(lb.Strategy) lb.Strategy{
		"nothing":              func(s lb.Strategy) lb.Strategy { return s },
		"slow start":           func(s lb.Strategy) lb.Strategy { return lb.SlowStart(s) },
		"slow start of a zone": func(s lb.Strategy) lb.Strategy { return lb.SlowStart(lb.Zone("a", s, lb.ZoneCallers(1))) },
		"the zone a":           func(s lb.Strategy) lb.Strategy { return lb.Zone("a", s, lb.ZoneCallers(1)) },
		"the zone b":           func(s lb.Strategy) lb.Strategy { return lb.Zone("b", lb.SlowStart(s), lb.ZoneCallers(1)) },
	} {
		for what, left := range map[string][]int{"all": nil, "those of b": {0, 1, 2}, "those of a": {3, 4, 5}} {
			t.Run(name+", "+what, func(t *testing.T) {
				set := zonesOf("aaabbb")
				e, source := endpointer(t, sd.NextSet(nil, set), nil)
				out := map[string]int{}
				var b *lb.Balancer[*client]
				b = lb.New(e, round(lb.Eject(lb.RoundRobin(), lb.EjectTime(time.Hour, time.Hour), lb.OnEject(func(e lb.Ejection, is bool) {
					_ = b.Ejected() // which needs what may be locked
					out[e.Instance.ID] += 2*count(is) - 1
				}))))
				call := func() {
					l, err := b.Pick(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if id := l.Instance().ID; id == "1" || id == "4" {
						err = context.DeadlineExceeded
					}
					l.Done(t.Context(), err)
				}
				for len(b.Ejected()) < 2 {
					call()
				}
				var still []sd.Instance
				for _, i := range left {
					still = append(still, set[i])
				}
				source <- sd.NextSet(nil, still)
				await(t, func() bool { return e.Set().Len() == len(left) })
				if len(left) > 0 {
					call()
				} else if _, err := b.Pick(t.Context()); !errors.Is(err, lb.ErrNoInstance) {
					t.Fatal(err)
				}
				for id, n := range out {
					if want := count(slices.ContainsFunc(still, func(in sd.Instance) bool { return in.ID == id })); n != want {
						t.Errorf("%s is told to be out %d times more than to be in, want %d", id, n, want)
					}
				}
				if len(out) != 2 || len(b.Ejected()) != count(len(still) > 0) {
					t.Errorf("told %v, and %v are out", out, b.Ejected())
				}
			})
		}
	}
}

// An instance whose zone becomes known, with that of all others, has not left.
func TestOnEjectTellsNothingIfAllMove(t *testing.T) {
	told, times := 0, 0
	tell := lb.OnEject(func(lb.Ejection, bool) { told++ })
	w := &ward{TB: t, strategy: lb.Zone("a", lb.Eject(lb.RoundRobin(), tell)), now: time.Second}
	v := &ward{TB: t, strategy: lb.Zone("a", left{lb.RoundRobin(), &times})}
	e, source := endpointer(t, sd.NextSet(nil, zonesOf("---")), nil)
	w.set(e.Set().Nodes())
	v.set(e.Set().Nodes())
	w.observe(1, lb.Faulted, 5)
	before := e.Set()
	source <- sd.NextSet(nil, zonesOf("aaa"))
	await(t, func() bool { return e.Set() != before })
	w.set(e.Set().Nodes())
	v.set(e.Set().Nodes())
	if out := ejected(w); out != "1 " || told != 1 {
		t.Errorf("%sare out, and it was told %d times", out, told)
	}
	if times > 0 {
		t.Error("a strategy is told that they have left")
	}
}

// What ends when all have left tells nothing, and who joins then begins anew.
func TestEjectAfterAllHaveLeft(t *testing.T) {
	w := newWard(t, 4, lb.Eject(lb.SlowStart(lb.RoundRobin())))
	w.observe(2, lb.Faulted, 5)
	w.observe(1, lb.Faulted, 4)
	last := w.picker
	w.set(w.nodes)
	last.(lb.Leaver).Leave() // which has a successor
	w.only(2)
	w.picker.(lb.Leaver).Leave()
	w.picker.(lb.Leaver).Leave()
	w.now += time.Hour
	for i := range 4 {
		w.observe(i, lb.Faulted, 5)
		w.observe(i, lb.Served, 1)
	}
	if out := ejected(w); out != "" {
		t.Errorf("%sare out, which left", out)
	}
	w.set(wardNodes(5))
	w.observe(3, lb.Faulted, 5)
	w.only(3)
}

// left is a strategy that counts which of its pickers are told that all have left.
type left struct {
	lb.Strategy
	times *int
}

type leftPicker struct {
	lb.Picker
	times *int
}

func (s left) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker {
	return &leftPicker{s.Strategy.Picker(nodes, nil), s.times}
}

func (p *leftPicker) Leave()                  { *p.times++ }
func (p *leftPicker) Observe(int, lb.Outcome) {}

// All that goes round a strategy passes on that all have left.
func TestLeaveIsPassedOn(t *testing.T) {
	times := 0
	inner := left{lb.RoundRobin(), &times}
	for name, s := range map[string]lb.Strategy{
		"eject": lb.Eject(inner), "slow start": lb.SlowStart(inner), "here": lb.Zone("a", inner), "elsewhere": lb.Zone("b", inner),
		"all": lb.Zone("a", lb.SlowStart(lb.Eject(inner))), "seeded": fixed(inner),
	} {
		e, source := endpointer(t, sd.NextSet(nil, zonesOf("aaa")), nil)
		b := lb.New(e, s)
		l, err := b.Pick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Done(t.Context(), nil)
		times = 0
		source <- nil
		await(t, func() bool { return e.Set().Len() == 0 })
		if _, err := b.Pick(t.Context()); !errors.Is(err, lb.ErrNoInstance) || times != 1 {
			t.Errorf("%s: it is told %d times, %v", name, times, err)
		}
	}
}

// However sets come and go, and whoever calls meanwhile, each that is told to be out is
// told once to be so no longer.
func TestOnEjectConcurrentSafe(t *testing.T) {
	for name, round := range map[string]func(lb.Strategy) lb.Strategy{
		"nothing":    func(s lb.Strategy) lb.Strategy { return s },
		"slow start": func(s lb.Strategy) lb.Strategy { return lb.SlowStart(s) },
		"zone":       func(s lb.Strategy) lb.Strategy { return lb.Zone("a", lb.SlowStart(s), lb.ZoneCallers(1)) },
	} {
		e, source := endpointer(t, sd.NextSet(nil, zonesOf("aabb")), nil)
		var outs, ins atomic.Int64
		b := lb.New(e, round(lb.Eject(lb.LeastRequest(), lb.EjectTime(time.Hour, time.Hour), lb.OnEject(func(_ lb.Ejection, out bool) {
			if out {
				outs.Add(1)
			} else {
				ins.Add(1)
			}
		}))))
		var callers sync.WaitGroup
		var over atomic.Bool
		defer over.Store(true)
		for range 4 {
			callers.Go(func() {
				for !over.Load() {
					l, err := b.Pick(context.Background())
					if err != nil {
						continue
					}
					if id := l.Instance().ID; id == "1" || id == "3" {
						err = context.DeadlineExceeded
					}
					l.Done(context.Background(), err)
				}
			})
		}
		for _, zones := range []string{"aab", "aa", "", "bbbb", "aabb", "", "abab", "bb", ""} {
			var set []sd.Instance
			for i, in := range zonesOf(zones) {
				in.Addr = fmt.Sprintf("%d.%s:80", i, zones) // a new one each time
				set = append(set, in)
			}
			source <- sd.NextSet(nil, set)
			await(t, func() bool {
				n := e.Set().Nodes()
				return len(n) == len(set) && (len(n) == 0 || n[0].Instance().Addr == set[0].Addr)
			})
			if len(set) > 2 {
				await(t, func() bool { return len(b.Ejected()) > 0 })
			}
		}
		over.Store(true)
		callers.Wait()
		_, _ = b.Pick(t.Context())
		if outs.Load() == 0 || outs.Load() != ins.Load() {
			t.Errorf("%s: %d are told to be out and %d in", name, outs.Load(), ins.Load())
		}
	}
}
