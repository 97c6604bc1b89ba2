package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

// crowd is a line of callers, one behind the other.
type crowd struct {
	t      *testing.T
	start  time.Time
	mu     sync.Mutex
	served []int
	at     []time.Duration
	wg     sync.WaitGroup
}

func newCrowd(t *testing.T) *crowd { return &crowd{t: t, start: time.Now()} }

// join makes caller i wait and returns when it is in line.
func (c *crowd) join(ctx context.Context, i int, e endpoint.Endpoint[string, string]) {
	c.wg.Go(func() {
		if _, err := e(ctx, ""); err == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.served, c.at = append(c.served, i), append(c.at, time.Since(c.start))
		} else if err != context.Canceled {
			c.t.Errorf("caller %d: %v", i, err)
		}
	})
	synctest.Wait()
}

// evenly checks that the k-th caller served had permit number k+1 of a bucket
// that was empty at the start.
func (c *crowd) evenly(limit rate.Limit, want []int) {
	c.t.Helper()
	c.wg.Wait()
	if !slices.Equal(c.served, want) {
		c.t.Fatalf("served %v,\nwant   %v", c.served, want)
	}
	for k, at := range c.at {
		due := time.Duration(float64(k+1) / float64(limit) * float64(time.Second))
		if off := at - due; off < -time.Microsecond || off > time.Microsecond {
			c.t.Fatalf("rate %v: permit %d came %v off its time", limit, k+1, off)
		}
	}
}

func empty(limiter *rate.Limiter) *rate.Limiter {
	limiter.AllowN(time.Now(), limiter.Burst())
	return limiter
}

// Most callers give up, and those who stay still get the full rate, in order.
func TestWaitSurvivorsGetTheFullRate(t *testing.T) {
	for _, limit := range []rate.Limit{1, 3, 7, 1000, 123_456} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waiting := ratelimit.Wait(echo, empty(rate.NewLimiter(limit, 1)))
				c := newCrowd(t)
				var quit []context.CancelFunc
				var stay []int
				for i := range 300 {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					c.join(ctx, i, waiting)
					if i%10 == 7 {
						stay = append(stay, i)
					} else {
						quit = append(quit, cancel)
					}
				}
				rand.Shuffle(len(quit), func(i, j int) { quit[i], quit[j] = quit[j], quit[i] })
				for _, cancel := range quit {
					cancel()
				}
				synctest.Wait()
				for i := 300; i < 310; i++ { // those who come later lose nothing either
					c.join(t.Context(), i, waiting)
					stay = append(stay, i)
				}
				c.evenly(limit, stay)
			})
		})
	}
}

// Callers keep coming and giving up while the line is served.
func TestWaitFullRateUnderChurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 300
		var stats ratelimit.Stats
		waiting := ratelimit.Wait(echo, empty(rate.NewLimiter(limit, 1)), ratelimit.CountIn(&stats))
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second+time.Nanosecond, stop)
		var wg sync.WaitGroup
		for range 20 { // the patient, enough that the line is never empty
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = waiting(context.WithoutCancel(ctx), "")
				}
			})
		}
		for range 20 {
			wg.Go(func() {
				for ctx.Err() == nil {
					short, cancel := context.WithCancel(ctx)
					time.AfterFunc(rand.N(40*time.Millisecond)+1, cancel)
					_, _ = waiting(short, "")
				}
			})
		}
		<-ctx.Done()
		if got := stats.Admitted(); got < limit*10-2 || got > limit*10+1 {
			t.Errorf("%d admitted in 10 s at %d per second, %d gave up", got, limit, stats.Canceled())
		}
		if stats.Canceled() < 1000 {
			t.Errorf("only %d gave up: the test shows nothing", stats.Canceled())
		}
		wg.Wait()
	})
}

func TestWaitRefusesAtOnceWhatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := ratelimit.Wait(echo, empty(rate.NewLimiter(10, 1)))
		c := newCrowd(t)
		for i := range 5 {
			c.join(t.Context(), i, waiting)
		}
		for _, tt := range []struct {
			timeout time.Duration
			late    bool
		}{{time.Millisecond, true}, {599 * time.Millisecond, true}, {600 * time.Millisecond, true}, {601 * time.Millisecond, false}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			if !tt.late {
				c.join(ctx, 5, waiting)
				continue
			}
			_, err := waiting(ctx, "")
			if e := refusal(t, err); e.RetryAfter.Round(time.Microsecond) != 600*time.Millisecond {
				t.Errorf("retry after %v, want 600ms", e.RetryAfter)
			}
			if time.Since(c.start) > 0 {
				t.Errorf("refused after %v, want at once", time.Since(c.start))
			}
		}
		c.evenly(10, []int{0, 1, 2, 3, 4, 5})
	})
}

// Refusals of the hurried cost the patient nothing.
func TestWaitRefusingCostsNoPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := empty(rate.NewLimiter(1000, 1))
		var patient, hurried ratelimit.Stats
		line := ratelimit.NewQueue(limiter)
		wait := ratelimit.Wait(echo, line, ratelimit.CountIn(&patient))
		hurry := ratelimit.Wait(echo, line, ratelimit.CountIn(&hurried))
		end := time.Now().Add(200 * time.Millisecond)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for time.Now().Before(end) {
					_, _ = wait(t.Context(), "")
				}
			})
		}
		hammer(4, 200*time.Millisecond, func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Microsecond)
			defer cancel()
			_, _ = hurry(ctx, "")
		})
		wg.Wait()
		if got := patient.Admitted(); got < 200 || got > 250 {
			t.Errorf("%d admitted in 200 ms at 1,000 per second", got)
		}
		if hurried.Refused() < 7000 {
			t.Errorf("only %d refused: the test shows nothing", hurried.Refused())
		}
	})
}

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
