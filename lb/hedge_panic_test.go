package lb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

func TestHedgeCarriesPanics(t *testing.T) {
	for _, tt := range []struct {
		name    string
		attempt int
		value   any
	}{{"first", 1, "boom"}, {"second", 2, "boom"}, {"second, an error", 2, http.ErrAbortHandler}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int32
				hedged := lb.Hedge(func(ctx context.Context, _ string) (int, error) {
					running.Add(1)
					defer running.Add(-1)
					if call.From(ctx).Attempt() == tt.attempt {
						time.Sleep(2 * second)
						panicking(tt.value)
					}
					<-ctx.Done()
					return 0, ctx.Err()
				}, lb.HedgeAfter(second))
				var got any
				func() {
					defer func() { got = recover() }()
					_, _ = hedged(t.Context(), "")
				}()
				carried, ok := got.(*lb.HedgePanic)
				if tt.attempt == 1 && got != tt.value || tt.attempt == 2 && (!ok || carried.Value != tt.value ||
					!strings.Contains(string(carried.Stack), "panicking") || !strings.Contains(carried.Error(), fmt.Sprint(tt.value))) {
					t.Errorf("got %v", got)
				}
				if err, isError := tt.value.(error); isError && !errors.Is(carried, err) {
					t.Error("the error is lost")
				}
				if n := running.Load(); n != 0 {
					t.Errorf("%d attempts are left", n)
				}
			})
		})
	}
}

//go:noinline
func panicking(v any) { panic(v) }

// However a call ends, nothing of it stays in its context.
func TestHedgeEndsTheContextsOfItsAttempts(t *testing.T) {
	for name, turns := range map[string][]time.Duration{
		"untroubled": {0}, "the first wins": {2 * second, time.Minute}, "the second wins": {time.Minute, 0},
		"the first panics": {-1}, "later": {-2 * second, time.Minute}, "the second panics": {time.Minute, -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var attempts []context.Context
			hedged := lb.Hedge(func(ctx context.Context, _ string) (string, error) {
				mu.Lock()
				takes := turns[len(attempts)]
				attempts = append(attempts, ctx)
				mu.Unlock()
				select {
				case <-time.After(max(takes, -takes)):
				case <-ctx.Done():
				}
				if takes < 0 {
					panic("boom")
				}
				return "", ctx.Err()
			}, lb.HedgeAfter(second))
			func() {
				defer func() { _ = recover() }()
				_, _ = hedged(t.Context(), "")
			}()
			if len(attempts) != len(turns) {
				t.Errorf("%s: %d attempts", name, len(attempts))
			}
			for n, ctx := range attempts {
				if ctx.Err() != context.Canceled {
					t.Errorf("%s: the context of attempt %d says %v", name, n+1, ctx.Err())
				}
			}
		})
	}
}

// A test that fails inside an attempt ends there, whichever goroutine that is.
func TestHedgeCarriesGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 1; n <= 2; n++ {
			hedged := lb.Hedge(func(ctx context.Context, _ string) (int, error) {
				if call.From(ctx).Attempt() == n {
					time.Sleep(2 * second)
					runtime.Goexit()
				}
				<-ctx.Done()
				return 0, ctx.Err()
			}, lb.HedgeAfter(second))
			returned := false
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = hedged(context.Background(), "")
				returned = true
			})
			if wg.Wait(); returned {
				t.Errorf("attempt %d ended its goroutine, and the call returned", n)
			}
		}
	})
}

func TestHedgePanicsOnMisuse(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{
			"lb: Hedge: next is nil", "option 1 is nil", "not 0.2", "not -1s", "not 0s", "the budget is nil",
			"the function for hedges is nil",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q lacks %q", text, want)
			}
		}
	}()
	lb.Hedge[string, string](nil, nil, lb.HedgePercentile(0.2, -second), lb.HedgeAfter(0), lb.HedgeBudget(nil), lb.OnHedge(nil))
}
