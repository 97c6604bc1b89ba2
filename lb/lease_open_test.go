package lb_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// openings are the two ways to an open lease.
var openings = map[string]func(*lb.Balancer[*client], context.Context) (lb.Lease[*client], error){
	"open": (*lb.Balancer[*client]).Open,
	"answered": func(b *lb.Balancer[*client], ctx context.Context) (lb.Lease[*client], error) {
		l, err := b.Pick(ctx)
		if err == nil {
			l = l.Answered()
		}
		return l, err
	},
}

// lastOf picks the last node and writes down of which index it was told.
type lastOf struct {
	n    int
	told *[]int
}

func (s *lastOf) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker { return &lastOf{len(nodes), s.told} }
func (s *lastOf) Pick(context.Context, time.Duration) int        { return s.n - 1 }
func (s *lastOf) Observe(i int, o lb.Outcome) {
	if !o.Answering {
		*s.told = append(*s.told, i)
	}
}

// What became of an open call is told to who picks when it ends, if the node is there.
func TestAnOpenLeaseTellsThePresentPicker(t *testing.T) {
	for name, open := range openings {
		t.Run(name, func(t *testing.T) {
			all := instances(3)
			e, src := endpointer(t, all, nil)
			told := []int{}
			b := lb.New(e, &lastOf{told: &told})
			var leases []lb.Lease[*client]
			for range 2 {
				l, err := open(b, t.Context())
				if err != nil {
					t.Fatal(err)
				}
				leases = append(leases, l)
			}
			node := e.Set().Node(2)
			for k, set := range [][]*sd.Instance{all[1:], {all[0], {ID: "new", Addr: "10.9.9.9:80"}}} {
				src <- set
				await(t, func() bool { return e.Set().Len() == 2 && e.Set().Node(0).Instance() == set[0] })
				if l, err := b.Pick(t.Context()); err != nil {
					t.Fatal(err)
				} else if l.Done(t.Context(), nil); leases[k].Client().id != "i0002" || leases[k].Instance() != all[2] {
					t.Errorf("it is with %s now", leases[k].Client().id)
				}
				leases[k].Done(t.Context(), &endpoint.Error{Code: endpoint.Internal})
			}
			// Of the two sets the first pick of each, and one end between them.
			if want := []int{1, 1, 1}; !slices.Equal(told, want) || node.InFlight() != 0 || node.Lasting() != 0 {
				t.Errorf("told of %v instead of %v, %d in flight, %d of them last", told, want, node.InFlight(), node.Lasting())
			}
		})
	}
}

// A picker that observes is told of no call from before there was one that did, as nobody
// knows when it began.
func TestAnOpenLeaseOfWhoDidNotObserve(t *testing.T) {
	for name, open := range openings {
		t.Run(name, func(t *testing.T) {
			e, src := endpointer(t, instances(1), nil)
			told := []int{}
			strategies := []lb.Strategy{lb.RoundRobin(), &lastOf{told: &told}}
			b := lb.New(e, strategyFunc(func(nodes []*sd.Node, _ lb.Picker) lb.Picker {
				return strategies[len(nodes)-1].Picker(nodes, nil)
			}))
			l, err := open(b, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			node := e.Set().Node(0)
			src <- instances(2)
			await(t, func() bool { return e.Set().Len() == 2 })
			next, err := open(b, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			l.Done(t.Context(), nil)
			if len(told) > 0 || node.InFlight() != 0 || node.Lasting() != 0 {
				t.Errorf("told of %v, %d in flight, %d of them last", told, node.InFlight(), node.Lasting())
			}
			if next.Done(t.Context(), nil); !slices.Equal(told, []int{1}) {
				t.Errorf("told of %v", told)
			}
		})
	}
}

// A call that lasts keeps no set in memory that has been replaced.
func TestAnOpenLeaseKeepsNoSet(t *testing.T) {
	for name, open := range openings {
		t.Run(name, func(t *testing.T) {
			all := instances(3)
			e, src := endpointer(t, all, nil)
			b := lb.New(e, lb.PeakEWMA())
			l, err := open(b, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			old := weak.Make(e.Set())
			src <- append(slices.Clone(all[:1]), all[2], &sd.Instance{ID: "new", Addr: "10.9.9.9:80"})
			await(t, func() bool { return e.Set() != old.Value() && e.Set().Len() == 3 })
			next, err := b.Pick(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			next.Done(t.Context(), nil)
			await(t, func() bool { runtime.GC(); return old.Value() == nil })
			l.Done(t.Context(), nil)
		})
	}
}
