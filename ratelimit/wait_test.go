package ratelimit_test

import (
	"context"
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
