package circuitbreaker_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

var _ circuitbreaker.Breaker = (*circuitbreaker.Throttler)(nil)

// fed returns a throttler that has seen that many requests and accepts.
func fed(requests, accepts int, opts ...circuitbreaker.ThrottlerOption) *circuitbreaker.Throttler {
	opts = append(opts, circuitbreaker.ThrottleRandom(func() float64 { return math.Nextafter(1, 0) }))
	th := circuitbreaker.NewThrottler("db1", opts...)
	for i := range requests {
		done, err := th.Allow()
		if err != nil {
			panic(err)
		}
		if i < accepts {
			done(nil)
		} else {
			done(errBroken)
		}
	}
	return th
}

func TestThrottlerFormula(t *testing.T) {
	book := circuitbreaker.ThrottleGrace(0)
	for _, tt := range []struct {
		requests, accepts int
		opts              []circuitbreaker.ThrottlerOption
		want              float64
	}{
		{0, 0, nil, 0},
		{5, 0, nil, 0},
		{6, 0, nil, 1. / 7},
		{99, 0, nil, 94. / 100},
		{1000, 0, nil, 0.95},
		{1, 0, []circuitbreaker.ThrottlerOption{book}, 1. / 2},
		{9, 0, []circuitbreaker.ThrottlerOption{book}, 9. / 10},
		{100, 50, []circuitbreaker.ThrottlerOption{book}, 0},
		{99, 40, []circuitbreaker.ThrottlerOption{book}, 19. / 100},
		{100, 100, []circuitbreaker.ThrottlerOption{book}, 0},
		{99, 40, []circuitbreaker.ThrottlerOption{book, circuitbreaker.ThrottleMultiplier(1.1)}, 55. / 100},
		{99, 9, []circuitbreaker.ThrottlerOption{book, circuitbreaker.ThrottleCeiling(0.5)}, 0.5},
		{99, 0, []circuitbreaker.ThrottlerOption{book, circuitbreaker.ThrottleCeiling(1)}, 0.99},
	} {
		th := fed(tt.requests, tt.accepts, tt.opts...)
		if got := th.Probability(); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%d of %d accepted: probability %v, want %v", tt.accepts, tt.requests, got, tt.want)
		}
		if c := th.Counts(); c.Requests != tt.requests || c.Accepts != tt.accepts {
			t.Errorf("counted %+v, want %d and %d", c, tt.requests, tt.accepts)
		}
	}
}

// A random number below the probability refuses, and the refusal is a request.
func TestThrottlerDraw(t *testing.T) {
	draw := 0.999
	th := circuitbreaker.NewThrottler("db1", circuitbreaker.ThrottleGrace(0), circuitbreaker.ThrottleRandom(func() float64 { return draw }))
	guarded := circuitbreaker.Throttle(play, th)
	_, _ = guarded(t.Context(), answer(errBroken)) // 1/2 from here on
	draw = 0.5
	if _, err := guarded(t.Context(), answer(errBroken)); err != errBroken { // 2/3 from here on
		t.Errorf("drew 0.5 of 0.5: %v", err)
	}
	draw = 0.66
	_, err := guarded(t.Context(), func(context.Context) error { t.Error("called"); return nil })
	e, _ := errors.AsType[*endpoint.Error](err)
	if e == nil || e.Code != endpoint.Unavailable || !e.NotProcessed || !e.Local || !e.Outgoing || !errors.Is(err, circuitbreaker.ErrOpen) ||
		!strings.Contains(err.Error(), `throttle "db1"`) {
		t.Errorf("drew 0.66 of 0.667: %+v", e)
	}
	if c := th.Counts(); c.Requests != 3 || c.Accepts != 0 || th.Refused() != 1 || th.Name() != "db1" {
		t.Errorf("%s refused %d, counted %+v", th.Name(), th.Refused(), c)
	}
}

func TestThrottleWhatCounts(t *testing.T) {
	const accepted, rejected, neither = "accepted", "rejected", "neither"
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"ok":              {nil, accepted},
		"not found":       {&endpoint.Error{Code: endpoint.NotFound}, accepted},
		"exhausted":       {&endpoint.Error{Code: endpoint.ResourceExhausted, NotProcessed: true}, rejected},
		"internal":        {errBroken, rejected},
		"unavailable":     {&endpoint.Error{Code: endpoint.Unavailable}, rejected},
		"plain error":     {errors.New("?"), rejected},
		"cancelled":       {&endpoint.Error{Code: endpoint.Canceled}, neither},
		"cancelled here":  {context.Canceled, neither},
		"and wrapped":     {fmt.Errorf("x: %w", context.Canceled), neither},
		"refused here":    {&endpoint.Error{Code: endpoint.Unavailable, Local: true}, neither},
		"exhausted, here": {fmt.Errorf("x: %w", &endpoint.Error{Code: endpoint.ResourceExhausted, Local: true}), neither},
	} {
		th := circuitbreaker.NewThrottler("x")
		_, _ = circuitbreaker.Throttle(play, th)(t.Context(), answer(tt.err))
		want := map[string]circuitbreaker.ThrottleCounts{accepted: {Requests: 1, Accepts: 1}, rejected: {Requests: 1}, neither: {}}[tt.want]
		if got := th.Counts(); got != want {
			t.Errorf("%s: counted %+v, want %+v", name, got, want)
		}
	}
}

// No outcome moves the probability by more than K+1 in requests+1: there is no edge.
func TestThrottlerHasNoEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		th := circuitbreaker.NewThrottler("x", circuitbreaker.ThrottleRandom(random.Float64))
		before := th.Probability()
		for i := range 5000 {
			done, err := th.Allow()
			if err == nil {
				done([]error{errBroken, nil}[i/500%2])
			}
			p := th.Probability()
			if most := 3 / float64(th.Counts().Requests+1); math.Abs(p-before) > most {
				t.Fatalf("call %d moved the probability from %v to %v, want at most by %v", i, before, p, most)
			}
			before = p
		}
	})
}

func TestThrottlerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := fed(10, 3, circuitbreaker.ThrottleWindow(30*time.Second))
		for _, step := range []struct {
			wait time.Duration
			want circuitbreaker.ThrottleCounts
		}{
			{29 * time.Second, circuitbreaker.ThrottleCounts{Requests: 10, Accepts: 3}},
			{time.Second, circuitbreaker.ThrottleCounts{}},
		} {
			time.Sleep(step.wait)
			if got := th.Counts(); got != step.want {
				t.Errorf("after %v more: %+v, want %+v", step.wait, got, step.want)
			}
		}
		done, _ := th.Allow()
		time.Sleep(24 * time.Hour) // an outcome may be late, and nobody ask for long
		done(nil)
		if got := th.Counts(); got.Requests > 1 {
			t.Errorf("after a day: %+v", got)
		}
		time.Sleep(30 * time.Second)
		if got := th.Counts(); got != (circuitbreaker.ThrottleCounts{}) {
			t.Errorf("after a window without calls: %+v", got)
		}
	})
}

// An instance that hangs is throttled though its calls last as long as the window and
// end together: they count from when they ended.
func TestThrottlerOfCallsThatOutlastTheWindow(t *testing.T) {
	for _, lasts := range []time.Duration{10 * time.Second, 29 * time.Second, 30 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			th := circuitbreaker.NewThrottler("x")
			var ends []func(error)
			for range 50 {
				done, err := th.Allow()
				if err != nil {
					t.Fatal(err)
				}
				ends = append(ends, done)
			}
			time.Sleep(lasts)
			for _, done := range ends {
				done(errBroken)
			}
			time.Sleep(28 * time.Second)
			if c := th.Counts(); c.Requests != 50 || th.Probability() < 0.8 {
				t.Errorf("28 s after the failure of 50 calls of %v: %+v, probability %v", lasts, c, th.Probability())
			}
			time.Sleep(2 * time.Second)
			if c := th.Counts(); c.Requests != 0 {
				t.Errorf("half a minute after it: %+v", c)
			}
		})
	}
}

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

func TestThrottlerForce(t *testing.T) {
	th := fed(100, 0)
	p, counts := th.Probability(), th.Counts()
	guarded := circuitbreaker.Throttle(play, th)

	th.Force(circuitbreaker.ForceOpen)
	if _, err := guarded(t.Context(), answer(nil)); !errors.Is(err, circuitbreaker.ErrOpen) || !strings.Contains(err.Error(), "forced open") {
		t.Errorf("forced open: %v", err)
	}
	if th.Forced() != circuitbreaker.ForceOpen || th.Probability() != 1 || th.Counts() != counts || th.Refused() != 1 {
		t.Errorf("%v: probability %v, %+v, want 1 and %+v", th.Forced(), th.Probability(), th.Counts(), counts)
	}
	th.Force(circuitbreaker.ForceClosed)
	if th.Forced() != circuitbreaker.ForceClosed || th.Probability() != 0 {
		t.Errorf("%v: probability %v, want 0", th.Forced(), th.Probability())
	}
	for range 100 {
		if _, err := guarded(t.Context(), answer(errBroken)); err != errBroken {
			t.Fatalf("forced closed: %v", err)
		}
	}
	th.Force(circuitbreaker.Automatic)
	if c := th.Counts(); c.Requests != 200 || th.Probability() < p {
		t.Errorf("released: %+v, probability %v, want 200 requests and at least %v", c, th.Probability(), p)
	}
}

// What was seen while forced closed is as old as it is.
func TestThrottlerForcedClosedGoesOnCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := circuitbreaker.NewThrottler("x")
		th.Force(circuitbreaker.ForceClosed)
		traffic(th, time.Minute, 10, func() error { return nil })
		th.Force(circuitbreaker.Automatic)
		if c := th.Counts(); c.Requests < 290 || c.Requests > 300 {
			t.Errorf("counted %+v, want those of half a minute at 10 a second", c)
		}
	})
}

func TestThrottleAllocatesNothing(t *testing.T) {
	idle := func(context.Context, int) (int, error) { return 0, nil }
	guarded := circuitbreaker.Throttle(idle, circuitbreaker.NewThrottler("x"))
	if n := testing.AllocsPerRun(1000, func() { _, _ = guarded(t.Context(), 1) }); n != 0 {
		t.Errorf("%v allocations for a call, want 0", n)
	}
}

func TestThrottlerConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := circuitbreaker.NewThrottler("x")
		guarded := circuitbreaker.Throttle(play, th)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 1000 {
					_, _ = guarded(t.Context(), answer([]error{nil, errBroken, context.Canceled}[i%3]))
					if c := th.Counts(); c.Accepts > c.Requests || c.Requests > 8000 {
						t.Errorf("counted %+v", c)
					}
					if g == 0 && i%100 == 0 {
						th.Force(circuitbreaker.Force(i / 100 % 3))
					}
					if i%10 == 0 {
						time.Sleep(time.Second) // all turn to the next part at once
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(30 * time.Second)
		if c := th.Counts(); c != (circuitbreaker.ThrottleCounts{}) {
			t.Errorf("%+v are never forgotten", c)
		}
	})
}

func TestThrottleMisuse(t *testing.T) {
	var nothing endpoint.Endpoint[string, string]
	for want, do := range map[string]func(){
		"circuitbreaker: Throttle: next is nil; the breaker is nil; an option is nil": func() {
			circuitbreaker.Throttle(nothing, nil, nil)
		},
		"circuitbreaker: NewThrottler: an option is nil; the multiplier must be at least 1, not NaN; " +
			"the window must be from 30ms to 1h, not 1ns; the grace must not be negative, but is -1; " +
			"the ceiling must be above 0 and at most 1, not 0; the random source is nil": func() {
			circuitbreaker.NewThrottler("x", nil, circuitbreaker.ThrottleMultiplier(math.NaN()), circuitbreaker.ThrottleWindow(1),
				circuitbreaker.ThrottleGrace(-1), circuitbreaker.ThrottleCeiling(0), circuitbreaker.ThrottleRandom(nil))
		},
		"circuitbreaker: Throttler.Force: force(3) is nothing to force": func() { circuitbreaker.NewThrottler("x").Force(3) },
		"circuitbreaker: Circuit.Force: force(3) is nothing to force":   func() { circuitbreaker.New("x").Force(3) },
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
