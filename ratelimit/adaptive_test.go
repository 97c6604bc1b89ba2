package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
