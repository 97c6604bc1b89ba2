package circuitbreaker

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// ThrottlerOption changes a [Throttler].
type ThrottlerOption func(*throttling) error

type throttling struct {
	multiplier float64
	window     time.Duration
	grace      float64
	ceiling    float64
	random     func() float64
}

// ThrottleMultiplier sets K, how many calls are sent for each that is accepted,
// at least. 2 is the default; 1.1 spares the other side more and sees later that it
// is well again. It is at least 1.
func ThrottleMultiplier(k float64) ThrottlerOption {
	return func(s *throttling) error {
		s.multiplier = k
		return when(!(k >= 1 && k <= math.MaxUint32), fmt.Sprintf("the multiplier must be at least 1, not %v", k))
	}
}

// ThrottleWindow sets how far back calls count. The default is 30 s; it must be at
// least 30 ms and at most an hour.
func ThrottleWindow(d time.Duration) ThrottlerOption {
	return func(s *throttling) error {
		s.window = d
		return when(d < 30*time.Millisecond || d > time.Hour, fmt.Sprintf("the window must be from 30ms to 1h, not %v", d))
	}
}

// ThrottleGrace sets how many requests within the window need no accept. The
// default is 5; 0 gives the formula of the book.
func ThrottleGrace(requests int) ThrottlerOption {
	return func(s *throttling) error {
		s.grace = float64(requests)
		return when(requests < 0, fmt.Sprintf("the grace must not be negative, but is %d", requests))
	}
}

// ThrottleCeiling sets the highest probability of a refusal, above 0 and at most
// 1. The default is 0.95. At 1, a busy client may take minutes to notice the end of
// an outage.
func ThrottleCeiling(probability float64) ThrottlerOption {
	return func(s *throttling) error {
		s.ceiling = probability
		return when(!(probability > 0 && probability <= 1),
			fmt.Sprintf("the ceiling must be above 0 and at most 1, not %v", probability))
	}
}

// ThrottleRandom sets the source of random numbers from 0 to below 1, for tests.
// It must be safe for concurrent use. The default is that of math/rand/v2.
func ThrottleRandom(random func() float64) ThrottlerOption {
	return func(s *throttling) error {
		s.random = random
		return when(random == nil, "the random source is nil")
	}
}

func newThrottling(opts []ThrottlerOption) throttling {
	s := throttling{multiplier: 2, window: 30 * time.Second, grace: 5, ceiling: 0.95, random: rand.Float64}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(&s))
	}
	check("NewThrottler", faults...)
	return s
}

func (s *throttling) probability(requests, accepts uint64) float64 {
	excess := float64(requests) - s.grace - s.multiplier*float64(accepts)
	return min(max(0, excess/(float64(requests)+1)), s.ceiling)
}
