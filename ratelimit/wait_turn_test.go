package ratelimit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/ratelimit"
)

// A caller that gives up in the moment of its turn passes the permit on.
func TestWaitGivingUpInTheMomentOfTheTurn(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			waiting := ratelimit.Wait(echo, empty(rate.NewLimiter(10, 1)))
			c := newCrowd(t)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			c.join(ctx, 0, waiting)
			c.join(t.Context(), 1, waiting)
			c.join(t.Context(), 2, waiting)
			c.wg.Wait()
			if c.served[0] == 1 {
				c.evenly(10, []int{1, 2})
			} else {
				c.evenly(10, []int{0, 1, 2})
			}
		})
	}
}

// If nobody is next in line, it is there for whoever comes.
func TestWaitGivingUpInTheMomentOfTheTurnAlone(t *testing.T) {
	for _, burst := range []int{1, 3} {
		for range 50 {
			synctest.Test(t, func(t *testing.T) {
				limiter := empty(rate.NewLimiter(10, burst))
				line := ratelimit.NewQueue(limiter)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				given := line.Wait(ctx)
				if got, want := limiter.Allow(), given != nil; got != want {
					t.Errorf("the wait ended with %v: a permit is left is %t", given, got)
				}
				time.Sleep(time.Second)
				if got := limiter.Tokens(); got != float64(burst) {
					t.Errorf("%v permits of %d are there after a pause", got, burst)
				}
			})
		}
	}
}

// A turn that comes when the caller has gone is not spent on it.
func TestWaitTurnOfACallerWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := empty(rate.NewLimiter(10, 1))
		if err := ratelimit.NewQueue(limiter).Wait(leaving{t.Context(), time.Now().Add(100 * time.Millisecond)}); err != context.Canceled {
			t.Errorf("got %v", err)
		}
		if !limiter.Allow() {
			t.Error("the permit is lost")
		}
	})
}

// leaving is a context that ends at a time, and whose Done comes later than all else
// that happens then.
type leaving struct {
	context.Context
	at time.Time
}

func (c leaving) Err() error {
	if time.Now().Before(c.at) {
		return nil
	}
	return context.Canceled
}
