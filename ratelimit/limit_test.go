package ratelimit_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

// The well-known limiter fits as it is.
var (
	_ ratelimit.Limiter  = (*rate.Limiter)(nil)
	_ ratelimit.Waiter   = (*rate.Limiter)(nil)
	_ ratelimit.Reserver = (*rate.Limiter)(nil)
	_ ratelimit.Waiter   = (*ratelimit.Queue)(nil)
)

func echo(_ context.Context, s string) (string, error) { return s, nil }

type never struct{}

func (never) Allow() bool { return false }

// refusal checks that err is a refusal as every one of this package should be.
func refusal(t *testing.T, err error) *endpoint.Error {
	t.Helper()
	e, ok := errors.AsType[*endpoint.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *endpoint.Error", err)
	}
	if e.Code != endpoint.ResourceExhausted || !e.NotProcessed || !e.Local || !errors.Is(err, ratelimit.ErrLimited) {
		t.Errorf("got %+v, want ResourceExhausted, not processed, local, ErrLimited", e)
	}
	return e
}

func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		name    string
		limiter ratelimit.Limiter
		admits  int // of ten calls at once
		retry   time.Duration
	}{
		{"burst", rate.NewLimiter(10, 4), 4, 100 * time.Millisecond},
		{"slow", rate.NewLimiter(rate.Every(time.Hour), 1), 1, time.Hour},
		{"infinite", rate.NewLimiter(rate.Inf, 0), 10, 0},
		{"zero rate", rate.NewLimiter(0, 2), 2, 0},
		{"zero burst", rate.NewLimiter(10, 0), 0, 0},
		{"next to never", rate.NewLimiter(1e-300, 1), 1, math.MaxInt64},
		{"of another make", never{}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limited := ratelimit.Limit(echo, tt.limiter)
				admits := 0
				for range 10 {
					got, err := limited(t.Context(), "x")
					if err == nil && got == "x" {
						admits++
						continue
					}
					if e := refusal(t, err); e.RetryAfter != tt.retry || e.Outgoing {
						t.Errorf("retry after %v (outgoing %t), want %v", e.RetryAfter, e.Outgoing, tt.retry)
					}
				}
				if admits != tt.admits {
					t.Errorf("%d admitted, want %d", admits, tt.admits)
				}
			})
		})
	}
}

func TestLimitRetryAfterIsEnough(t *testing.T) {
	for _, limit := range []rate.Limit{1, 3, 7, 999, 1e6} {
		synctest.Test(t, func(t *testing.T) {
			limited := ratelimit.Limit(echo, rate.NewLimiter(limit, 1))
			for i := range 100 {
				if _, err := limited(t.Context(), ""); err != nil {
					t.Fatalf("rate %v, call %d: %v", limit, i, err)
				}
				time.Sleep(time.Duration(i) * time.Nanosecond)
				_, err := limited(t.Context(), "")
				time.Sleep(refusal(t, err).RetryAfter)
			}
		})
	}
}

// Callers who do not heed refusals must neither use up the rate nor exceed it, as
// they do with Reserve and Cancel: that loses permits, or makes some up, depending
// on how the callers interleave. So this runs in real time. At 1,000 a second the
// 600 take half a second after the burst; the bounds leave room for a machine that
// stalls.
func TestLimitRefusingCostsNoPermits(t *testing.T) {
	const want = 600
	var stats ratelimit.Stats
	limited := ratelimit.Limit(echo, rate.NewLimiter(1000, 100), ratelimit.CountIn(&stats))
	start := time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for stats.Admitted() < want && time.Since(start) < 20*time.Second {
				_, _ = limited(t.Context(), "")
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if stats.Admitted() < want || stats.Refused() == 0 || took < 300*time.Millisecond {
		t.Errorf("%d admitted and %d refused in %v, want %d in 500ms", stats.Admitted(), stats.Refused(), took, want)
	}
}

// hammer calls f from several goroutines, every 100 µs, at the same instants.
func hammer(goroutines int, d time.Duration, f func()) {
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for start := time.Now(); time.Since(start) < d; time.Sleep(100 * time.Microsecond) {
				f()
			}
		})
	}
	wg.Wait()
}

func TestLimitDoneContextTakesNoPermit(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	var stats ratelimit.Stats
	limited := ratelimit.Limit(echo, rate.NewLimiter(0, 1), ratelimit.CountIn(&stats))
	if _, err := limited(canceled, ""); err != context.Canceled {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := limited(late, ""); err != context.DeadlineExceeded {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if _, err := limited(t.Context(), ""); err != nil {
		t.Errorf("the only permit is gone: %v", err)
	}
	if a, r, c := stats.Admitted(), stats.Refused(), stats.Canceled(); a != 1 || r != 0 || c != 2 {
		t.Errorf("counted %d, %d and %d, want 1 admitted, 0 refused, 2 canceled", a, r, c)
	}
}

func TestOutgoing(t *testing.T) {
	limited := ratelimit.Limit(echo, never{}, ratelimit.Outgoing())
	_, err := limited(t.Context(), "")
	if e := refusal(t, err); !e.Outgoing {
		t.Error("not marked outgoing")
	}
	if endpoint.Public(err).NotProcessed {
		t.Error("a refusal in the middle of a call tells the caller that nothing was processed")
	}
}

func TestLimitConcurrentSafe(t *testing.T) {
	var stats ratelimit.Stats
	limited := ratelimit.Limit(echo, rate.NewLimiter(0, 100), ratelimit.CountIn(&stats))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				_, _ = limited(t.Context(), "")
			}
		})
	}
	wg.Wait()
	if a, r := stats.Admitted(), stats.Refused(); a != 100 || r != 1500 {
		t.Errorf("%d admitted, %d refused, want 100 and 1500", a, r)
	}
}
