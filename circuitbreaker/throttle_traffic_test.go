package circuitbreaker_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

// traffic makes calls at an even rate, and returns how many of them were sent.
func traffic(th *circuitbreaker.Throttler, d time.Duration, perSecond int, serve func() error) (sent int) {
	guarded := circuitbreaker.Throttle(play, th)
	for range int(d.Seconds() * float64(perSecond)) {
		time.Sleep(time.Second / time.Duration(perSecond))
		_, _ = guarded(context.Background(), func(context.Context) error { sent++; return serve() })
	}
	return sent
}

// What is sent settles at K times what is accepted, as the book says.
func TestThrottlerSettlesAtTheMultiple(t *testing.T) {
	for _, k := range []float64{1.1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			th := circuitbreaker.NewThrottler("x", circuitbreaker.ThrottleMultiplier(k), circuitbreaker.ThrottleGrace(0),
				circuitbreaker.ThrottleRandom(rand.New(rand.NewPCG(3, 4)).Float64))
			var second time.Time
			served := 0
			serve := func() error { // 20 a second of the 200 that are offered
				if now := time.Now().Truncate(time.Second); now != second {
					second, served = now, 0
				}
				if served++; served > 20 {
					return &endpoint.Error{Code: endpoint.ResourceExhausted}
				}
				return nil
			}
			traffic(th, 2*time.Minute, 200, serve)
			sent := float64(traffic(th, time.Minute, 200, serve)) / 60
			if want := k * 20; sent < 0.9*want || sent > 1.1*want {
				t.Errorf("K %v: %.1f a second are sent, want %.0f", k, sent, want)
			}
		})
	}
}

// A busy client recovers from a long outage: the book's formula alone would send
// one probe in half a minute.
func TestThrottlerRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := circuitbreaker.NewThrottler("x", circuitbreaker.ThrottleRandom(rand.New(rand.NewPCG(5, 6)).Float64))
		well := func() error { return nil }
		if sent := traffic(th, 30*time.Second, 1000, well); sent != 30_000 {
			t.Errorf("%d of 30000 are sent to a server that is well", sent)
		}
		traffic(th, 5*time.Minute, 1000, func() error { return errBroken })
		if sent := traffic(th, 10*time.Second, 1000, func() error { return errBroken }); sent < 400 || sent > 600 {
			t.Errorf("%d of 10000 are sent to a server that is down, want one in twenty", sent)
		}
		traffic(th, time.Minute, 1000, well)
		if p := th.Probability(); p > 0.5 {
			t.Errorf("a minute after the end of the outage, the probability is %v", p)
		}
		traffic(th, 30*time.Second, 1000, well)
		if p := th.Probability(); p > 0 {
			t.Errorf("a minute and a half after the end of the outage, the probability is %v", p)
		}
	})
}
