package ratelimit_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestAdaptivePriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(20, 20*time.Millisecond)
		limit := ratelimit.NewConcurrency()
		e := ratelimit.Adaptive(s.do, limit)
		loads := map[call.Criticality]*load{
			call.Sheddable:    {perSecond: 0.8 * s.capacity(), priority: call.Sheddable, seed: 10},
			call.Critical:     {perSecond: 0.6 * s.capacity(), priority: call.Critical, seed: 20},
			call.CriticalPlus: {perSecond: 0.1 * s.capacity(), priority: call.CriticalPlus, seed: 30},
		}
		for range 2 {
			var all sync.WaitGroup
			for _, l := range loads {
				all.Go(func() { l.run(20*time.Second, e) })
			}
			all.Wait()
		}
		served, refused := 0, 0
		for p, l := range loads {
			served += l.served
			refused += l.refused
			share := float64(l.served) / float64(l.offered)
			t.Logf("%v: %.4f served", p, share)
			if p >= call.Critical && share < 0.98 || p == call.Sheddable && share > 0.6 {
				t.Errorf("%v: %.3f served", p, share)
			}
			if limit.Refused(p) < uint64(l.refused) {
				t.Errorf("%v: %d refused, %d counted", p, l.refused, limit.Refused(p))
			}
		}
		if got := float64(served) / 20 / s.capacity(); got < 0.9 {
			t.Errorf("goodput %.2f of all together", got)
		}
	})
}

// hold makes a call of that class that lasts until the function is called, and
// reports whether it runs.
func hold(e endpoint.Endpoint[func(), int], p call.Criticality) (release func(), runs bool) {
	running, end, done := make(chan bool, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, err := e(call.With(context.Background(), call.Priority(p)), func() { running <- true; <-end })
		if err != nil {
			running <- false
		}
	}()
	return func() { close(end); <-done }, <-running
}

func perform(_ context.Context, f func()) (int, error) { f(); return 0, nil }

// How many of ten places each class gets on its own, and of few.
func TestAdaptiveShares(t *testing.T) {
	for _, tt := range []struct {
		limit int
		want  [4]int
	}{{10, [4]int{5, 7, 9, 10}}, {1, [4]int{1, 1, 1, 1}}, {3, [4]int{2, 3, 3, 3}}} {
		for i, want := range tt.want {
			p := call.Sheddable + call.Criticality(i)
			limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(tt.limit))
			e := ratelimit.Adaptive(perform, limit)
			var releases []func()
			for {
				release, runs := hold(e, p)
				if !runs {
					break
				}
				releases = append(releases, release)
			}
			if len(releases) != want || limit.InFlight() != want || limit.Refused(p) != 1 {
				t.Errorf("%v: %d of %d places, %d in flight, %d refused, want %d and 1", p, len(releases), tt.limit, limit.InFlight(), limit.Refused(p), want)
			}
			for _, release := range releases {
				release()
			}
			if limit.InFlight() != 0 {
				t.Errorf("%d in flight at the end", limit.InFlight())
			}
		}
	}
}

func TestAdaptiveRefusal(t *testing.T) {
	var stats ratelimit.Stats
	limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(1))
	e := ratelimit.Adaptive(perform, limit, ratelimit.CountIn(&stats), ratelimit.Outgoing())
	release, _ := hold(e, call.Critical)
	_, err := e(t.Context(), func() { t.Error("called") })
	if r := refusal(t, err); !r.Outgoing {
		t.Error("not marked as outgoing")
	}
	release()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e(done, func() { t.Error("called") }); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if stats.Admitted() != 1 || stats.Refused() != 1 || stats.Canceled() != 1 || limit.Refused(call.Critical) != 1 {
		t.Errorf("%d admitted, %d refused, %d cancelled", stats.Admitted(), stats.Refused(), stats.Canceled())
	}
}

func TestAdaptivePanicGivesThePlaceBack(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		limit := ratelimit.NewConcurrency()
		e := ratelimit.Adaptive(perform, limit)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() { _ = recover() }()
			_, _ = e(t.Context(), end)
		})
		wg.Wait()
		if limit.InFlight() != 0 {
			t.Errorf("%s: %d in flight", name, limit.InFlight())
		}
	}
}
