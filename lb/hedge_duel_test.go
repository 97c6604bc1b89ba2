package lb_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/dowelkit/dowel/lb"
)

// Calls with a second attempt and calls without take turns: none sees anything of the
// one before.
func TestHedgeBeginsEachCallAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, then := errors.New("first"), errors.New("then")
		next, calls := turns(
			turn{0, nil},
			turn{9 * second, nil}, turn{second, nil},
			turn{second / 2, first},
			turn{3 * second, then}, turn{second, first},
			turn{0, nil},
			turn{3 * second, nil}, turn{9 * second, nil},
			turn{9 * second, first}, turn{second, nil},
		)
		hedged := lb.Hedge(next, lb.HedgeAfter(second))
		for i, want := range []struct {
			got, calls int
			errs       []error
		}{{1, 1, nil}, {2, 3, nil}, {0, 4, []error{first}}, {0, 6, []error{first, then}}, {1, 7, nil}, {1, 9, nil}, {2, 11, nil}} {
			got, err := hedged(t.Context(), "")
			errs := []error{err}
			if both, ok := errors.AsType[*lb.RetryError](err); ok {
				errs = both.Attempts
			} else if err == nil {
				errs = nil
			}
			if err == nil && got != want.got || !slices.Equal(errs, want.errs) || int(calls.Load()) != want.calls {
				t.Errorf("call %d: %d, %v after %d attempts", i, got, err, calls.Load())
			}
		}
	})
}

// An endpoint may be of no bubble, and be called in several.
func TestHedgeServesSeveralBubbles(t *testing.T) {
	hedged := lb.Hedge(func(_ context.Context, takes time.Duration) (string, error) {
		time.Sleep(takes)
		return "done", nil
	}, lb.HedgeAfter(second))
	for range 4 {
		synctest.Test(t, func(t *testing.T) {
			for _, takes := range []time.Duration{0, 2 * second, second / 2} {
				if got, err := hedged(t.Context(), takes); got != "done" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
}

// What a Hedge keeps from call to call does not keep a call's request, response and
// context from being collected.
func TestHedgeForgetsItsCalls(t *testing.T) {
	type thing struct{ _ [64]byte }
	hedged := lb.Hedge(func(context.Context, *thing) (*thing, error) { return new(thing), nil }, lb.HedgeAfter(time.Minute))
	once := func() (refs [3]weak.Pointer[thing]) {
		req, value := new(thing), new(thing)
		resp, err := hedged(context.WithValue(context.Background(), thing{}, value), req)
		if err != nil {
			t.Error(err)
		}
		return [3]weak.Pointer[thing]{weak.Make(req), weak.Make(resp), weak.Make(value)}
	}
	for range 10 {
		refs := once()
		runtime.GC() // of what is pooled the first leaves all
		for i, ref := range refs {
			if ref.Value() != nil {
				t.Errorf("the call's %s lives on", []string{"request", "response", "context"}[i])
			}
		}
	}
}

// The timer goes off about when the first attempt ends, so that it is often not known
// who is first. Each call gets its own response, whoever else is hedged meanwhile.
func TestHedgeConcurrentCallsDoNotMix(t *testing.T) {
	const delay = 50 * time.Microsecond
	var attempts, hedges atomic.Int64
	hedged := lb.Hedge(func(ctx context.Context, req [2]int) ([2]int, error) {
		takes := delay + time.Duration(attempts.Add(1)%7-3)*5*time.Microsecond
		for start := time.Now(); time.Since(start) < takes; {
			runtime.Gosched()
		}
		if ctx.Err() != nil {
			return [2]int{-1, -1}, ctx.Err()
		}
		return req, nil
	}, lb.HedgeAfter(delay), lb.OnHedge(func(context.Context) { hedges.Add(1) }), lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(1))))
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for n := range 300 {
				want := [2]int{worker, n}
				if got, err := hedged(t.Context(), want); err != nil || got != want {
					t.Errorf("%v, %v, want %v", got, err, want)
				}
			}
		})
	}
	all.Wait()
	if hedges.Load() == 0 {
		t.Error("no call was hedged")
	}
}
