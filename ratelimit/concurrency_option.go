package ratelimit

import (
	"errors"
	"fmt"
)

// ConcurrencyOption changes a [Concurrency].
type ConcurrencyOption func(*gradient) error

// ConcurrencyBounds sets between which bounds the limit stays. The default is from
// 1 to 10,000.
func ConcurrencyBounds(low, high int) ConcurrencyOption {
	return func(g *gradient) error {
		g.low, g.high = float64(low), float64(high)
		return when(low < 1 || high < low || high > 1e6,
			fmt.Sprintf("the bounds must be in order and from 1 to 1,000,000, not %d and %d", low, high))
	}
}

// ConcurrencyStart sets the limit to begin with. The default is 20, or the bound
// next to it.
func ConcurrencyStart(limit int) ConcurrencyOption {
	return func(g *gradient) error {
		g.limit = float64(limit)
		return when(limit < 1, fmt.Sprintf("the limit to start with must be positive, not %d", limit))
	}
}

// ConcurrencyTolerance sets by what factor the latency may exceed the base before
// the limit is lowered, from 1.05 to 4. The default is 1.25. A greater one lets more
// calls wait, and suits latencies that scatter widely.
func ConcurrencyTolerance(factor float64) ConcurrencyOption {
	return func(g *gradient) error {
		g.tolerance = factor
		return when(!(factor >= 1.05 && factor <= 4), fmt.Sprintf("the tolerance must be from 1.05 to 4, not %v", factor))
	}
}

func newGradient(opts []ConcurrencyOption) gradient {
	g := gradient{low: 1, high: 10_000, tolerance: 1.25, limit: 20, every: probeFirst}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(&g))
	}
	check("NewConcurrency", faults...)
	g.set(g.limit)
	g.highest = g.limit
	return g
}
