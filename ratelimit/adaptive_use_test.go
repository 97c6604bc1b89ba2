package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestAdaptiveAllocatesNothing(t *testing.T) {
	e := ratelimit.Adaptive(echo, ratelimit.NewConcurrency())
	ctx := call.With(t.Context(), call.Priority(call.Sheddable))
	if n := testing.AllocsPerRun(1000, func() { _, _ = e(ctx, "") }); n != 0 {
		t.Errorf("%v allocations for a call, want 0", n)
	}
}

func TestAdaptiveConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running := 0
		limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyBounds(1, 4))
		e := ratelimit.Adaptive(func(_ context.Context, i int) (int, error) {
			mu.Lock()
			running++
			if running > 4 || limit.InFlight() > 4 {
				t.Errorf("%d run, %d in flight, the highest limit is 4", running, limit.InFlight())
			}
			mu.Unlock()
			time.Sleep(time.Millisecond) // all that run end at once
			mu.Lock()
			defer mu.Unlock()
			running--
			return 0, []error{nil, nil, nil, errors.New("?"), context.Canceled}[i%5]
		}, limit)
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for i := range 500 {
					_, _ = e(t.Context(), i)
					time.Sleep(time.Millisecond / 2)
				}
			})
		}
		callers.Wait()
		if limit.InFlight() != 0 {
			t.Errorf("%d in flight at the end", limit.InFlight())
		}
	})
}

func TestAdaptiveMisuse(t *testing.T) {
	var nothing endpoint.Endpoint[string, string]
	for want, do := range map[string]func(){
		"ratelimit: Adaptive: next is nil; the limiter is nil; an option is nil": func() { ratelimit.Adaptive(nothing, nil, nil) },
		"ratelimit: NewConcurrency: an option is nil; the bounds must be in order and from 1 to 1,000,000, not 0 and -1; " +
			"the limit to start with must be positive, not 0; the tolerance must be from 1.05 to 4, not 1": func() {
			ratelimit.NewConcurrency(nil, ratelimit.ConcurrencyBounds(0, -1), ratelimit.ConcurrencyStart(0), ratelimit.ConcurrencyTolerance(1))
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic: %s\nwant:  %s", got, want)
				}
			}()
			do()
		}()
	}
}

func BenchmarkAdaptive(b *testing.B) {
	e := ratelimit.Adaptive(echo, ratelimit.NewConcurrency())
	b.Run("admitted", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = e(b.Context(), "")
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = e(b.Context(), "")
			}
		})
	})
	limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(1))
	full := ratelimit.Adaptive(perform, limit)
	release, _ := hold(full, call.Critical)
	defer release()
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = full(b.Context(), nil)
		}
	})
}
