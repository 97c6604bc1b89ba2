package circuitbreaker_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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
