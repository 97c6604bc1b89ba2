package lb_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dowelkit/dowel/lb"
)

// lanes returns how many turns a set of round robin has, as its documentation says.
func lanes(n int) int {
	for count := 16; ; count /= 2 {
		if count == 1 || n/count >= 32 {
			return count
		}
	}
}

// lane is a source by which round robin starts at the first node and takes this turn.
type lane uint64

func (l *lane) Uint64() uint64 { return 1<<32 + uint64(*l) }

var firstLane = lb.Seeded(lb.RoundRobin(), new(lane))

// apart returns by how much the picks of two nodes differ at most.
func apart(counts []int) int { return slices.Max(counts) - slices.Min(counts) }

// Whoever picks, and whichever turns they take: at any time the picks of two nodes
// differ by as many as there are turns, and none is left out for longer.
func TestRoundRobinOfManyIsEven(t *testing.T) {
	for name, s := range map[string]lb.Strategy{"as it is": lb.RoundRobin(), "seeded": fixed(lb.RoundRobin())} {
		for _, n := range []int{64, 100, 3000, 10_007} {
			counts := make([]int, n)
			p := s.Picker(wardNodes(n), nil)
			for k := range 3 * lanes(n) {
				for i, c := range picks(p, n, n/3) {
					counts[i] += c
				}
				if d := apart(counts); d > lanes(n) {
					t.Fatalf("%s: after %d picks of %d nodes two differ by %d", name, (k+1)*(n/3), n, d)
				}
			}
			if slices.Min(counts) == 0 {
				t.Errorf("%s: after %d picks one of %d nodes had none", name, sum(counts), n)
			}
		}
	}
}

func sum(counts []int) (all int) {
	for _, c := range counts {
		all += c
	}
	return all
}

// What holds for one holds for several at once, in small sets too, where the turns are
// taken strictly. Between, garbage is collected, with which it is forgotten who takes
// which turn.
func TestRoundRobinConcurrentSafe(t *testing.T) {
	for _, n := range []int{63, 64, 100, 5000} {
		counts := make([]int, n)
		p := lb.RoundRobin().Picker(wardNodes(n), nil)
		for range 40 {
			var mu sync.Mutex
			var all sync.WaitGroup
			for w := range 8 {
				all.Go(func() {
					mine := picks(p, n, 100*(1+w))
					mu.Lock()
					defer mu.Unlock()
					for i, c := range mine {
						counts[i] += c
					}
				})
			}
			all.Wait()
			if d := apart(counts); d > lanes(n) {
				t.Fatalf("after %d picks of %d nodes two differ by %d", sum(counts), n, d)
			}
			runtime.GC() // what nobody took since the last one is gone with the next
			runtime.GC()
		}
	}
}

func TestRoundRobinOfFewIsInTurn(t *testing.T) {
	for _, n := range []int{1, 2, 33, 63} {
		p := fixed(lb.RoundRobin()).Picker(wardNodes(n), nil)
		last := p.Pick(t.Context(), 0)
		for k := range 3 * n {
			i := p.Pick(t.Context(), 0)
			if i != (last+1)%n {
				t.Fatalf("pick %d of %d nodes: after %d comes %d", k, n, last, i)
			}
			last = i
		}
	}
}

// The turns begin as far from each other as can be, and each leads through all nodes.
func TestRoundRobinOfManyHasTurnsApart(t *testing.T) {
	for _, n := range []int{64, 100, 255, 256, 511, 512, 32_000} {
		l := new(lane)
		p := lb.Seeded(lb.RoundRobin(), l).Picker(weighted(make([]int, n)...), nil)
		for k := range 50 {
			for *l = range lane(lanes(n)) {
				if got, want := p.Pick(t.Context(), 0), (1+k+int(*l)*n/lanes(n))%n; got != want {
					t.Fatalf("pick %d of turn %d of %d nodes is %d, want %d", k, *l, n, got, want)
				}
			}
		}
	}
}

// The first turn is that of a small set, and goes on in whatever comes after it.
func TestRoundRobinKeepsItsPlaceInAnySet(t *testing.T) {
	all := wardNodes(5000)
	var p lb.Picker
	k := 0
	for _, n := range []int{10, 3000, 5000, 63, 64, 63, 100, 200, 1, 5000} {
		p = firstLane.Picker(all[:n], p)
		for range 700 {
			k++
			if got := p.Pick(t.Context(), 0); got != k%n {
				t.Fatalf("pick %d, of %d nodes, is %d", k, n, got)
			}
		}
	}
}

// A large set that changes keeps all of its turns.
func TestRoundRobinOfManyKeepsEachTurn(t *testing.T) {
	nodes := wardNodes(3000)
	trace := func(every int) (got []int) {
		s := fixed(lb.RoundRobin())
		p := s.Picker(nodes, nil)
		for k := range 1000 {
			if k%every == every-1 {
				p = s.Picker(nodes, p)
			}
			got = append(got, p.Pick(t.Context(), 0))
		}
		return got
	}
	if k := differ(trace(7), trace(math.MaxInt)); k >= 0 {
		t.Errorf("with updates pick %d is another than without", k)
	}
}

// Any set may come after any other while the ones before still serve, and no pick is
// out of range.
func TestRoundRobinBearsEverySetAfterEveryOther(t *testing.T) {
	all := wardNodes(6000)
	for name, s := range map[string]lb.Strategy{"as it is": lb.RoundRobin(), "seeded": fixed(lb.RoundRobin())} {
		r := rand.New(rand.NewPCG(1, 2))
		var p lb.Picker
		var serving sync.WaitGroup
		for range 60 {
			n := 1 + r.IntN(6000)
			if r.IntN(3) == 0 {
				n = 1 + r.IntN(130)
			}
			p = s.Picker(all[:n], p)
			picker := p
			serving.Go(func() {
				for range 500 {
					if i := picker.Pick(context.Background(), 0); i < 0 || i >= n {
						t.Errorf("%s: pick %d of %d", name, i, n)
						return
					}
				}
			})
		}
		serving.Wait()
	}
}

// A balancer whose set grows and shrinks while it is asked.
func TestRoundRobinBalancerOfAChangingSet(t *testing.T) {
	sets := instances(2500)
	e, src := endpointer(t, sets[:60], nil)
	balancer := lb.New(e, lb.RoundRobin())
	var end atomic.Bool
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for !end.Load() {
				l, err := balancer.Pick(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				l.Done(t.Context(), nil)
			}
		})
	}
	for _, n := range []int{2500, 100, 64, 63, 2500} {
		src <- sets[:n]
		await(t, func() bool { return e.Set().Len() == n })
		before := e.Entered()
		await(t, func() bool { return e.Entered()-before > 5000 })
	}
	end.Store(true)
	asking.Wait()
}

// A turn has 32 bits. Where it comes round the order has a break, and nothing worse.
func TestRoundRobinComesRound(t *testing.T) {
	for _, n := range []int{3, 63, 3000} {
		p := firstLane.Picker(wardNodes(n), nil)
		lb.Laps(p, math.MaxUint32-3000)
		k := uint32(math.MaxUint32 - 3000)
		for range 6000 {
			k++
			if got := p.Pick(t.Context(), 0); got != int(k%uint32(n)) {
				t.Fatalf("turn %d of %d nodes leads to %d", k, n, got)
			}
		}
	}
}

func TestRoundRobinOfManySeeded(t *testing.T) {
	nodes := wardNodes(3000)
	trace := func(seed uint64) string {
		p := lb.Seeded(lb.RoundRobin(), rand.NewPCG(seed, 1)).Picker(nodes, nil)
		var got []int
		for range 200 {
			got = append(got, p.Pick(t.Context(), 0))
		}
		return fmt.Sprint(got)
	}
	first := trace(1)
	if trace(1) != first {
		t.Error("one seed picks differently")
	}
	if trace(2) == first {
		t.Error("two seeds pick alike")
	}
}

func TestRoundRobinOfManyAllocatesNothing(t *testing.T) {
	e, _ := endpointer(t, instances(3000), nil)
	balancer, ctx := lb.New(e, lb.RoundRobin()), t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		l, err := balancer.Pick(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.Done(ctx, nil)
	}); n != 0 {
		t.Errorf("a pick makes %v allocations", n)
	}
}
