package lb

import (
	"errors"
	"fmt"
	"time"
)

// SlowStartOption changes what [SlowStart] does.
type SlowStartOption func(*slowStarter) error

// slowStarter is what SlowStart knows at construction.
type slowStarter struct {
	inner    Strategy
	window   time.Duration
	exponent float64
	floor    float64
	burden   float64
	chance
}

func newSlowStarter(inner Strategy, opts []SlowStartOption) *slowStarter {
	s := &slowStarter{inner: inner, window: 30 * time.Second, exponent: 1, floor: 0.1, burden: 0.1}
	var faults []error
	if inner == nil {
		faults = append(faults, errors.New("the inner strategy is nil"))
	}
	configure("SlowStart", s, opts, faults)
	return s
}

// SlowStartWindow sets how long it takes until a newcomer gets all its calls. It
// must be positive; the default is 30 s. It is less while too many are new, see
// [SlowStartBurden].
func SlowStartWindow(d time.Duration) SlowStartOption {
	return func(s *slowStarter) error {
		s.window = d
		if d <= 0 {
			return fmt.Errorf("the window must be positive, not %v", d)
		}
		return nil
	}
}

// SlowStartAggression sets how early in the window a newcomer's part grows, from
// 0.01 to 100: the default, 1, is linear, more is earlier, less is later.
func SlowStartAggression(a float64) SlowStartOption {
	return func(s *slowStarter) error {
		s.exponent = 1 / a
		if !(a >= 0.01 && a <= 100) {
			return fmt.Errorf("the aggression must be from 0.01 to 100, not %v", a)
		}
		return nil
	}
}

// SlowStartFloor sets the least part of its calls that a newcomer gets, above 0 and
// to 1. The default is 0.1.
func SlowStartFloor(part float64) SlowStartOption {
	return func(s *slowStarter) error {
		s.floor = part
		if !(part > 0 && part <= 1) {
			return fmt.Errorf("the floor must be above 0 and at most 1, not %v", part)
		}
		return nil
	}
}

// SlowStartBurden sets how many more calls the instances that are not new may be
// given, as a share, above 0, of those they would have if nobody were. The default is
// 0.1: a tenth more. What one newcomer alone is spared may be more in a small set.
func SlowStartBurden(share float64) SlowStartOption {
	return func(s *slowStarter) error {
		s.burden = share
		if !(share > 0) {
			return fmt.Errorf("the burden must be above 0, not %v", share)
		}
		return nil
	}
}
