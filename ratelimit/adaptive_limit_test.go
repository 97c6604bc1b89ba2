package ratelimit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

// outcomes makes calls, so many at once, that take that long and end like that, for
// a while. It returns the lowest limit that it saw.
func outcomes(limit *ratelimit.Concurrency, workers int, d, latency time.Duration, err error) (lowest int) {
	e := ratelimit.Adaptive(func(context.Context, int) (int, error) { time.Sleep(latency); return 0, err }, limit)
	lowest = limit.Limit()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for end := time.Now().Add(d); time.Now().Before(end); {
				_, _ = e(context.Background(), 0)
				time.Sleep(time.Millisecond)
				mu.Lock()
				lowest = min(lowest, limit.Limit())
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return lowest
}

func TestAdaptiveWhatCounts(t *testing.T) {
	exceeded := &endpoint.Error{Code: endpoint.DeadlineExceeded}
	for _, tt := range []struct {
		name    string
		latency time.Duration
		err     error
		lowers  bool
	}{
		{"slow", 50 * time.Millisecond, nil, true},
		{"slow failures", 50 * time.Millisecond, exceeded, true},
		{"slow, cancelled", 50 * time.Millisecond, context.Canceled, true},
		{"fast failures", time.Microsecond, exceeded, false},
		{"fast, cancelled", time.Microsecond, context.Canceled, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(40), ratelimit.ConcurrencyBounds(1, 40))
				if n := outcomes(limit, 10, 5*time.Second, 10*time.Millisecond, nil); n != 40 {
					t.Fatalf("the limit was %d during calls that are all alike", n)
				}
				if n := outcomes(limit, 10, time.Second, tt.latency, tt.err); (n < 40) != tt.lowers {
					t.Errorf("the limit was %d, lowered: want %t", n, tt.lowers)
				}
				if tt.lowers {
					return
				}
				// Had they counted as fast, what is normal would seem slow now.
				if n := outcomes(limit, 10, time.Second, 10*time.Millisecond, nil); n != 40 {
					t.Errorf("afterwards the limit was %d", n)
				}
			})
		})
	}
}

// A clock may be too coarse to see a call take any time at all, and stands still in a
// synctest bubble.
func TestAdaptiveOfCallsThatTakeNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, latency := ratelimit.NewConcurrency(), time.Duration(0)
		e := ratelimit.Adaptive(func(context.Context, int) (int, error) {
			time.Sleep(latency)
			return 0, nil
		}, limit)
		for _, latency = range []time.Duration{0, 10 * time.Millisecond, 0} {
			for n := range 2000 {
				time.Sleep(10 * time.Millisecond)
				if _, err := e(t.Context(), n); err != nil {
					t.Fatalf("call %d of %v: %v, and the limit is %d", n, latency, err, limit.Limit())
				}
			}
		}
		if n := limit.Limit(); n < 20 || n > 200 {
			t.Errorf("one call at a time made the limit %d", n)
		}
	})
}

// What half of the limit is enough for does not raise it, nor does a burst long ago.
func TestAdaptiveGrowsByUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := ratelimit.NewConcurrency()
		outcomes(limit, 9, time.Minute, 10*time.Millisecond, nil)
		if limit.Limit() != 20 {
			t.Errorf("the limit is %d for 9 calls at once, want 20", limit.Limit())
		}
		outcomes(limit, 18, 10*time.Millisecond, 10*time.Millisecond, nil)
		outcomes(limit, 2, time.Minute, 10*time.Millisecond, nil)
		if n := limit.Limit(); n < 21 || n > 40 {
			t.Errorf("the limit is %d after 18 calls at once, want a step more than 20", n)
		}
		outcomes(limit, 400, 3*time.Second, 10*time.Millisecond, nil)
		if n := limit.Limit(); n < 400 {
			t.Errorf("the limit is %d for 400 calls at once that do not wait", n)
		}
	})
}

// A base that follows noise does not follow a latency that creeps up.
func TestAdaptiveNoticesALatencyThatCreeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(40))
		lowest, latency := 40, 10*time.Millisecond
		for range 200 {
			lowest = min(lowest, outcomes(limit, 10, time.Second, latency, nil))
			latency += latency / 100
		}
		if lowest >= 40 {
			t.Errorf("the limit was never below %d while the latency grew to %v", lowest, latency)
		}
	})
}

// A base that was taken from a crowd is found out, though the latency is as ever and
// the limit at its bound.
func TestAdaptiveDoubtsItsBaseWhileItRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(10, 200*time.Millisecond)
		limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyBounds(1, 30), ratelimit.ConcurrencyStart(30))
		e := ratelimit.Adaptive(s.do, limit)
		l := &load{perSecond: 0.5 * s.capacity()}
		l.run(20*time.Second, e)
		s.set(20 * time.Millisecond) // well again, and at once there is a crowd
		l = &load{perSecond: 2 * s.capacity()}
		l.run(40*time.Second, e)
		if n := limit.Limit(); n > 25 {
			t.Errorf("the limit is %d at a knee of 10", n)
		}
	})
}

// A server whose samples take long to gather.
func TestAdaptiveSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(4, 250*time.Millisecond)
		limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(40))
		e := ratelimit.Adaptive(s.do, limit)
		l := &load{perSecond: 4 * s.capacity()}
		l.run(2*time.Minute, e)
		l.run(5*time.Minute, e)
		if got := float64(l.served) / 300 / s.capacity(); got < 0.7 {
			t.Errorf("goodput %.2f at a limit of %d", got, limit.Limit())
		}
	})
}

func TestAdaptiveStaysWithinTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(1000), ratelimit.ConcurrencyBounds(4, 8))
		if limit.Limit() != 8 {
			t.Errorf("starts at %d, want 8", limit.Limit())
		}
		moved := false
		for range 200 {
			s := newServer(1, 10*time.Millisecond)
			l := &load{perSecond: 5 * s.capacity()}
			l.run(100*time.Millisecond, ratelimit.Adaptive(s.do, limit))
			n := limit.Limit()
			if n < 4 || n > 8 {
				t.Fatalf("the limit is %d, outside 4 to 8", n)
			}
			moved = moved || n < 8
		}
		if !moved {
			t.Error("the limit has not moved")
		}
	})
}
