package lb

import (
	"errors"
	"fmt"
	"time"
)

// EjectOption changes what [Eject] does.
type EjectOption func(*ejector) error

// ejector is what Eject knows at construction.
type ejector struct {
	inner     Strategy
	faults    uint32
	factor    float64
	hosts     int
	volume    uint64
	interval  time.Duration
	base, cap time.Duration
	most      float64
	panicky   float64
	onEject   func(Ejection, bool)
	chance
}

// forever is longer than any process lives, and no overflow when it is added to a time.
const forever = 1 << 60

func newEjector(inner Strategy, opts []EjectOption) *ejector {
	e := &ejector{
		inner: inner, faults: 5, factor: 1.9, hosts: 5, volume: 100, interval: 10 * time.Second,
		base: 30 * time.Second, cap: 5 * time.Minute, most: 0.5, panicky: 0.3,
	}
	var faults []error
	if inner == nil {
		faults = append(faults, errors.New("the inner strategy is nil"))
	}
	if ejects(inner) {
		faults = append(faults, errors.New("the inner strategy ejects already, and one Eject can do all of it"))
	}
	configure("Eject", e, opts, faults)
	return e
}

// ejects reports whether there is an Eject in a strategy. What it knows has one successor,
// and one outside would make a picker for each view that it needs.
func ejects(s Strategy) bool {
	switch s := s.(type) {
	case *ejector:
		return true
	case *slowStarter:
		return ejects(s.inner)
	case *zone:
		return ejects(s.inner)
	case *seeded:
		return ejects(s.Strategy)
	}
	return false
}

// EjectFaults sets how many faults in a row eject an instance: at least 1. The
// default is 5.
func EjectFaults(n int) EjectOption {
	return func(e *ejector) error {
		e.faults = uint32(n)
		if n < 1 || n > 1e9 {
			return fmt.Errorf("the faults must be from 1 to 1,000,000,000, not %d", n)
		}
		return nil
	}
}

// EjectSuccessRate sets how many standard deviations below the mean a success rate
// is an outlier's, and how many instances with how many calls each an interval
// must have before rates are compared. The defaults are those of gRFC A50: 1.9, 5
// and 100. Among n instances nobody can be further below the mean than √(n-1)
// deviations, so that fewer than 5 instances need a factor below 1.9. The factor is
// from 0 to 1000, and there are at least 2 instances and 1 call.
func EjectSuccessRate(factor float64, instances, calls int) EjectOption {
	return func(e *ejector) error {
		e.factor, e.hosts, e.volume = factor, instances, uint64(calls)
		if !(factor >= 0 && factor <= 1000) || instances < 2 || calls < 1 {
			return fmt.Errorf("a success rate needs a factor from 0 to 1000, 2 instances and a call, not %v, %d and %d",
				factor, instances, calls)
		}
		return nil
	}
}

// EjectInterval sets how often success rates are compared. It must be positive; the
// default is 10 s.
func EjectInterval(d time.Duration) EjectOption {
	return func(e *ejector) error {
		e.interval = min(d, forever)
		if d <= 0 {
			return fmt.Errorf("the interval must be positive, not %v", d)
		}
		return nil
	}
}

// EjectTime sets how long the first ejection lasts and how long any lasts at most,
// jitter aside. The base must be positive and no more than the limit. The defaults
// are 30 s and 5 min.
func EjectTime(base, limit time.Duration) EjectOption {
	return func(e *ejector) error {
		e.base, e.cap = min(base, forever), min(limit, forever)
		if base <= 0 || limit < base {
			return fmt.Errorf("the time must be positive and at most its limit, not %v and %v", base, limit)
		}
		return nil
	}
}

// MaxEjected sets which share of the set may be out at a time, from 0 to 1 and
// rounded down; one instance is always in. The default is 0.5: none of one, one of
// two or three. Envoy's default is a tenth or one, whichever is more.
func MaxEjected(share float64) EjectOption {
	return func(e *ejector) error {
		e.most = share
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("the share that may be out must be from 0 to 1, not %v", share)
		}
		return nil
	}
}

// PanicThreshold sets the share of instances that must be well for ejection to
// make sense: while fewer are, all are used, since what is wrong is then more
// likely common to them, and the few would not bear the load. Not well is who is
// out, or would be for a run of faults if [MaxEjected] had room. The default is 0.3;
// Envoy's is 0.5, which in a set of three gives up when two are ill. 0 means never.
func PanicThreshold(share float64) EjectOption {
	return func(e *ejector) error {
		e.panicky = share
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("the panic threshold must be from 0 to 1, not %v", share)
		}
		return nil
	}
}

// OnEject calls f when an instance is ejected, or ejected again by its probe, and
// with out false when it returns or leaves the set while it is out, be it the last one
// there or in its zone. f runs in the call that caused it or, after a change of the set,
// in one that is picked for then, even if no instance is left: of a balancer that is used
// no more it tells nothing. It should return soon, and may use the balancer; two of them
// may come at the same time.
func OnEject(f func(e Ejection, out bool)) EjectOption {
	return func(e *ejector) error {
		e.onEject = f
		if f == nil {
			return errors.New("the function for ejections is nil")
		}
		return nil
	}
}
