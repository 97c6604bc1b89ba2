package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

// Goodput is what is answered in time, as a share of what the server can do.
func TestAdaptiveGoodputUnderOverload(t *testing.T) {
	for _, tt := range []struct {
		name  string
		share float64
		want  float64 // that much at least
	}{
		{"calls wait in line", 0, 0.95},
		{"calls slow each other down", 1, 0.9},
		{"and more than that", 1.5, 0.7}, // so that any call above the knee costs capacity
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				goodput := func(limited bool) float64 {
					s := newServer(20, 20*time.Millisecond)
					s.share = tt.share
					e := endpoint.Endpoint[string, string](s.do)
					if limited {
						e = ratelimit.Adaptive(s.do, ratelimit.NewConcurrency())
					}
					l := &load{perSecond: 1.5 * s.capacity()}
					l.run(20*time.Second, e)
					return float64(l.served) / 20 / s.capacity()
				}
				if got := goodput(false); got > 0.25 { // while the line forms
					t.Errorf("goodput %.2f without a limit: the server does not collapse", got)
				}
				if got := goodput(true); got < tt.want {
					t.Errorf("goodput %.2f, want %.2f", got, tt.want)
				}
			})
		})
	}
}

// The limit settles where 90 % of it, the share of critical calls, is 1.25 times
// the knee and the root: within 1 and 2.2 times the knee, for those that are not tiny.
func TestAdaptiveFindsTheKnee(t *testing.T) {
	for _, knee := range []int{10, 30} {
		for _, share := range []float64{0, 1} {
			for name, start := range map[string]int{"far below": 1, "far above": 20 * knee} {
				t.Run(fmt.Sprintf("%d from %s, share %v", knee, name, share), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newServer(knee, 20*time.Millisecond)
						s.share = share
						limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(start))
						e := ratelimit.Adaptive(s.do, limit)
						l := &load{perSecond: 1.5 * s.capacity()}
						var limits []int // of the second half of the time
						go func() {
							time.Sleep(8 * time.Second)
							for range 70 {
								time.Sleep(100 * time.Millisecond)
								limits = append(limits, limit.Limit())
							}
						}()
						l.run(16*time.Second, e)
						slices.Sort(limits) // the least are those of a probe
						for _, n := range []int{limits[len(limits)/4], limits[len(limits)-1]} {
							if got := float64(n) / float64(knee); got < 1 || got > 2.2 {
								t.Errorf("the limit was %d, %.2f times the knee of %d", n, got, knee)
							}
						}
						if limit.InFlight() != 0 {
							t.Errorf("%d in flight at the end", limit.InFlight())
						}
					})
				})
			}
		}
	}
}

// An overload that lasts does not come to pass for normal.
func TestAdaptiveDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(10, 100*time.Millisecond)
		s.random = rand.New(rand.NewPCG(1, 2))
		limit := ratelimit.NewConcurrency()
		e := ratelimit.Adaptive(s.do, limit)
		l := &load{perSecond: 1.5 * s.capacity()}
		for minute := range 4 {
			l.run(time.Minute, e)
			if n := limit.Limit(); n > 40 {
				t.Fatalf("after %d minutes the limit is %d at a knee of 10", minute+1, n)
			}
			if got := float64(l.served) / 60 / s.capacity(); got < 0.85 {
				t.Errorf("minute %d: goodput %.2f", minute+1, got)
			}
		}
	})
}

// A server that is slow by itself is used as far as it goes, and when it is well again.
func TestAdaptiveRecoversFromASlowPhase(t *testing.T) {
	for _, share := range []float64{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(20, 20*time.Millisecond)
			s.share = share
			limit := ratelimit.NewConcurrency()
			e := ratelimit.Adaptive(s.do, limit)
			for _, phase := range []struct {
				name    string
				service time.Duration
			}{{"well", 20 * time.Millisecond}, {"slow", 200 * time.Millisecond}, {"well again", 20 * time.Millisecond}} {
				s.set(phase.service)
				l := &load{perSecond: 1.5 * s.capacity()}
				l.run(20*time.Second, e) // to learn
				l.run(10*time.Second, e)
				if got := float64(l.served) / 10 / s.capacity(); got < 0.85 {
					t.Errorf("share %v, %s: goodput %.2f at a limit of %d", share, phase.name, got, limit.Limit())
				}
			}
		})
	}
}

// A server that keeps up refuses nobody, however its latencies scatter.
func TestAdaptiveLeavesAServerThatKeepsUpAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(20, 20*time.Millisecond)
		s.random = rand.New(rand.NewPCG(3, 4))
		e := ratelimit.Adaptive(s.do, ratelimit.NewConcurrency())
		l := &load{perSecond: 0.6 * s.capacity()}
		l.run(10*time.Second, e)
		l.run(time.Minute, e)
		if share := float64(l.refused) / float64(l.offered); share > 0.001 {
			t.Errorf("%.3f %% are refused at 60 %% load", 100*share)
		}
	})
}

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
