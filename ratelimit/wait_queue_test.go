package ratelimit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/ratelimit"
)

func TestWaitSharedQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := ratelimit.NewQueue(empty(rate.NewLimiter(10, 1)))
		a, b := ratelimit.Wait(echo, line), ratelimit.Wait(echo, line)
		c := newCrowd(t)
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 6 {
			c.join(ctx, 2*i, a)
			c.join(t.Context(), 2*i+1, b)
		}
		if line.Len() != 12 {
			t.Errorf("%d wait, want 12", line.Len())
		}
		cancel()
		c.evenly(10, []int{1, 3, 5, 7, 9, 11})
	})
}

func TestWaitLimitBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := empty(rate.NewLimiter(10, 1))
		waiting, limited := ratelimit.Wait(echo, limiter), ratelimit.Limit(echo, limiter)
		c := newCrowd(t)
		for i := range 3 {
			c.join(t.Context(), i, waiting)
		}
		time.Sleep(250 * time.Millisecond)
		if _, err := limited(t.Context(), ""); !errors.Is(err, ratelimit.ErrLimited) {
			t.Errorf("Limit overtook the line: %v", err)
		}
		c.evenly(10, []int{0, 1, 2})
	})
}

func TestWaitRateRaised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := empty(rate.NewLimiter(1, 1))
		waiting := ratelimit.Wait(echo, limiter)
		c := newCrowd(t)
		for i := range 3 {
			c.join(t.Context(), i, waiting)
		}
		limiter.SetLimit(100)
		c.join(t.Context(), 3, waiting)
		c.wg.Wait()
		if !slices.Equal(c.served, []int{0, 1, 2, 3}) {
			t.Errorf("served %v, want the line in order", c.served)
		}
		if c.at[0] != 40*time.Millisecond {
			t.Errorf("the first waited %v, want the earliest permit, at 40ms", c.at[0])
		}
	})
}

func TestWaitWithoutPermits(t *testing.T) {
	soon := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		t.Cleanup(cancel)
		return ctx
	}
	for _, tt := range []struct {
		name   string
		waiter ratelimit.Waiter
		cause  error
	}{
		{"zero rate", rate.NewLimiter(0, 0), nil},
		{"zero rate, spent", empty(rate.NewLimiter(0, 1)), nil},
		{"zero burst", rate.NewLimiter(5, 0), nil},
		{"of another make", other{errClosed}, errClosed},
		{"of another make, too late", other{context.DeadlineExceeded}, context.DeadlineExceeded},
		{"of another make, shut down", other{context.Canceled}, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				waiting := ratelimit.Wait(echo, tt.waiter)
				for range 3 {
					_, err := waiting(soon(t), "")
					refusal(t, err)
					if tt.cause != nil && !errors.Is(err, tt.cause) {
						t.Errorf("the cause is lost: %v", err)
					}
				}
				if _, plain := tt.waiter.(other); !plain && time.Since(start) != 0 {
					t.Errorf("refused after %v, want at once", time.Since(start))
				}
			})
		})
	}
}

var errClosed = errors.New("closed")

// other is a waiter of another make: it fails after a second.
type other struct{ err error }

func (o other) Wait(ctx context.Context) error {
	if o.err == nil {
		return nil
	}
	select {
	case <-time.After(time.Second):
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestWaitOfAnotherMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if _, err := ratelimit.Wait(echo, other{})(t.Context(), ""); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := ratelimit.Wait(echo, other{errClosed})(ctx, ""); err != context.Canceled {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

func TestQueueMaxWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := ratelimit.NewQueue(empty(rate.NewLimiter(10, 1)), ratelimit.MaxWaiting(2))
		waiting := ratelimit.Wait(echo, line)
		c := newCrowd(t)
		c.join(t.Context(), 0, waiting)
		c.join(t.Context(), 1, waiting)
		_, err := waiting(t.Context(), "")
		if e := refusal(t, err); e.RetryAfter != 100*time.Millisecond {
			t.Errorf("retry after %v, want until a place is free, 100ms", e.RetryAfter)
		}
		c.evenly(10, []int{0, 1})
		if line.Len() != 0 {
			t.Errorf("%d wait, want 0", line.Len())
		}
	})
}

func TestQueueWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	line := ratelimit.NewQueue(rate.NewLimiter(0, 1))
	if err := line.Wait(ctx); err != context.Canceled {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if err := line.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := line.Wait(t.Context()); !errors.Is(err, ratelimit.ErrLimited) {
		t.Errorf("got %v, want ErrLimited", err)
	}
}

func TestQueueConcurrentSafe(t *testing.T) {
	line := ratelimit.NewQueue(rate.NewLimiter(20_000, 5))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				stop := time.AfterFunc(rand.N(2*time.Millisecond), cancel)
				if err := line.Wait(ctx); err != nil && err != context.Canceled {
					t.Error(err)
				}
				stop.Stop()
				cancel()
			}
		})
	}
	wg.Wait()
	if line.Len() != 0 {
		t.Errorf("%d wait, want 0", line.Len())
	}
}
