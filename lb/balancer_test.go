package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

var strategies = map[string]lb.Strategy{
	"random": lb.Random(), "round robin": lb.RoundRobin(), "least request": lb.LeastRequest(),
}

// spread calls n times and counts the answers.
func spread(t *testing.T, e endpoint.Endpoint[string, string], n int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range n {
		id, err := e(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		counts[id]++
	}
	return counts
}

func TestEveryStrategyUsesEveryInstanceEvenly(t *testing.T) {
	for name, s := range strategies {
		for _, n := range []int{1, 2, 3, 7, 64} {
			t.Run(fmt.Sprint(name, n), func(t *testing.T) {
				e, _ := endpointer(t, instances(n), nil)
				counts := spread(t, lb.Endpoint(lb.New(e, fixed(s)), (*client).Call), 1000*n)
				if len(counts) != n {
					t.Errorf("%d of %d instances were used", len(counts), n)
				}
				for id, c := range counts {
					if c < 800 || c > 1200 {
						t.Errorf("%s got %d of an even 1000", id, c)
					}
				}
			})
		}
	}
}

func TestRoundRobinTakesTurnsAndStartsAnywhere(t *testing.T) {
	e, _ := endpointer(t, instances(5), nil)
	starts := map[string]bool{}
	for range 100 {
		next := lb.Endpoint(lb.New(e, lb.RoundRobin()), (*client).Call)
		first, _ := next(t.Context(), "")
		starts[first] = true
		for range 4 {
			next(t.Context(), "")
		}
		if again, _ := next(t.Context(), ""); again != first {
			t.Fatalf("the sixth pick of five is %s, the first was %s", again, first)
		}
	}
	if len(starts) < 4 {
		t.Errorf("100 fresh balancers started at %d of 5 instances", len(starts))
	}
}

func TestRoundRobinKeepsItsPlaceWhenTheSetChanges(t *testing.T) {
	for _, sizes := range [][]int{{5, 7}, {5, 0, 7}} {
		all := instances(7)
		for range 20 {
			e, src := endpointer(t, all[:sizes[0]], nil)
			next := lb.Endpoint(lb.New(e, lb.RoundRobin()), (*client).Call)
			first, _ := next(t.Context(), "")
			for _, n := range sizes[1:] {
				src <- all[:n]
				await(t, func() bool { return e.Set().Len() == n })
				if n == 0 {
					next(t.Context(), "")
				}
			}
			turn := slices.IndexFunc(all[:5], func(in *sd.Instance) bool { return in.ID == first })
			if turn == 0 {
				turn = 5 // it starts below 5 and adds 1 before it takes the rest
			}
			if got, _ := next(t.Context(), ""); got != all[(turn+1)%7].ID {
				t.Fatalf("sizes %v: after %s comes %s", sizes, first, got)
			}
		}
	}
}

func TestLeastRequestAvoidsTheBusy(t *testing.T) {
	e, _ := endpointer(t, instances(2), nil)
	set := e.Set()
	for range 5 {
		set.Node(0).Acquire()
	}
	counts := spread(t, lb.Endpoint(lb.New(e, lb.LeastRequest()), (*client).Call), 100)
	if counts["i0001"] != 100 {
		t.Errorf("the busy instance got calls: %v", counts)
	}
	for range 5 {
		set.Node(0).Release()
	}
}

func TestPickAvoidsInstancesThatWereTried(t *testing.T) {
	for name, s := range strategies {
		t.Run(name, func(t *testing.T) {
			e, _ := endpointer(t, instances(3), nil)
			next := lb.Endpoint(lb.New(e, s), (*client).Call)
			ctx := call.With(t.Context(), call.Attempt(3, []string{"i0000", "i0002"}))
			for range 200 {
				if id, err := next(ctx, ""); id != "i0001" || err != nil {
					t.Fatalf("picked %s, %v", id, err)
				}
			}
			ctx = call.With(ctx, call.Attempt(4, []string{"i0000", "i0001", "i0002"}))
			if _, err := next(ctx, ""); err != nil {
				t.Errorf("all were tried, and none is picked: %v", err)
			}
		})
	}
}

func TestNoInstance(t *testing.T) {
	e, src := endpointer(t, instances(1), nil)
	src <- nil
	await(t, func() bool { return e.Set().Len() == 0 })
	_, err := lb.Endpoint(lb.New(e, lb.Random()), (*client).Call)(t.Context(), "")
	if !errors.Is(err, lb.ErrNoInstance) || endpoint.CodeOf(err) != endpoint.Unavailable ||
		!endpoint.IsNotProcessed(err) || endpoint.Fault(t.Context(), err) {
		t.Errorf("error is %v", err)
	}
	if endpoint.Public(err).NotProcessed {
		t.Error("the mark of an outgoing call would cross to our own caller")
	}
}

func TestPickersAreRebuiltOncePerSet(t *testing.T) {
	seen := new(recorder)
	set := instances(3)
	e, src := endpointer(t, set, nil)
	next := lb.Endpoint(lb.New(e, observing{seen}), (*client).Call)
	spread(t, next, 10)
	src <- set[1:]
	await(t, func() bool { return e.Set().Len() == 2 })
	spread(t, next, 10)
	if seen.pickers != 2 {
		t.Errorf("%d pickers for 2 sets", seen.pickers)
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	e, _ := endpointer(t, instances(10), nil)
	ctx := call.With(t.Context(), call.Key("user"))
	for name, s := range strategies {
		next := lb.Endpoint(lb.New(e, s), (*client).Call)
		if n := testing.AllocsPerRun(100, func() { _, _ = next(ctx, "") }); n != 0 {
			t.Errorf("%s: %v allocations per call", name, n)
		}
	}
}

// guarded is a client that knows whether it is closed.
type guarded struct{ closed atomic.Bool }

func (g *guarded) Call(context.Context, struct{}) (struct{}, error) {
	if g.closed.Load() {
		return struct{}{}, errors.New("a call on a closed client")
	}
	return struct{}{}, nil
}

func (g *guarded) Close() { g.closed.Store(true) }

// Three balancers share one Endpointer while the set churns: millions of calls,
// none on a closed client, none without an instance while one lives.
func TestBalancersConcurrentSafe(t *testing.T) {
	src := make(source)
	e := sd.NewEndpointer(src, func(context.Context, *sd.Instance) (*guarded, error) { return &guarded{}, nil })
	all := instances(12)
	src <- all
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var callers sync.WaitGroup
	var calls, failures atomic.Int64
	for _, s := range strategies {
		next := lb.Endpoint(lb.New(e, s), (*guarded).Call)
		for range 2 {
			callers.Go(func() {
				for n := 0; ; n++ {
					if n%1000 == 0 {
						calls.Add(1000)
						select {
						case <-done:
							return
						default:
						}
					}
					if _, err := next(context.Background(), struct{}{}); err != nil && failures.Add(1) < 5 {
						t.Error(err)
					}
				}
			})
		}
	}
	// Subsets of every size, never empty, some without a common instance.
	changes := 0
	for i := 0; calls.Load() < 2_000_000; i++ {
		changes++
		from := i * 5 % 11
		src <- all[from : from+1+i%(12-from)]
	}
	close(done)
	callers.Wait()
	if failures.Load() > 0 {
		t.Errorf("%d calls failed", failures.Load())
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d calls during %d changes of the set", calls.Load(), changes)
}

func TestMisuseNamesAllFaults(t *testing.T) {
	for _, tt := range []struct {
		misuse func()
		want   []string
	}{
		{func() { lb.New[*client](nil, nil) }, []string{"endpointer is nil", "strategy is nil"}},
		{func() { lb.Endpoint[*client, int, int](nil, nil) }, []string{"balancer is nil", "method is nil"}},
		{func() { lb.NewBudget(lb.BudgetRatio(2), lb.BudgetRate(-1), lb.BudgetBurst(0), nil) },
			[]string{"ratio", "rate", "burst", "option 4 is nil"}},
		{func() {
			lb.Retry[int, int](nil, lb.MaxAttempts(0), lb.AttemptTimeout(-1), lb.RetryBackoff(sd.Backoff{Cap: -1}),
				lb.RetryBudget(nil), lb.OnRetry(nil), lb.MaxRetryDelay(-1), nil)
		}, []string{"next is nil", "greatest delay", "attempts", "timeout", "backoff", "budget is nil", "function for retries", "option 7 is nil"}},
	} {
		func() {
			defer func() {
				text := fmt.Sprint(recover())
				for _, want := range tt.want {
					if !strings.Contains(text, want) {
						t.Errorf("%q does not name %q", text, want)
					}
				}
			}()
			tt.misuse()
		}()
	}
}
