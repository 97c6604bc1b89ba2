package ratelimit

import (
	"errors"
	"fmt"

	"github.com/dowelkit/dowel/internal/adaptive"
)

// ConcurrencyOption changes a [Concurrency].
type ConcurrencyOption func(*concurrencyConfig) error

type concurrencyConfig struct{ adaptive.Config }

// ConcurrencyBounds sets between which bounds the limit stays: low is at
// least 1, and high at least low and at most 1,000,000. The default is from 1 to
// 10,000.
func ConcurrencyBounds(low, high int) ConcurrencyOption {
	return func(c *concurrencyConfig) error {
		c.Low, c.High = low, high
		return when(low < 1 || high < low || high > 1e6,
			fmt.Sprintf("the bounds must be in order and from 1 to 1,000,000, not %d and %d", low, high))
	}
}

// ConcurrencyStart sets the limit to begin with, which must be positive. The default
// is 20, or the bound next to it.
func ConcurrencyStart(limit int) ConcurrencyOption {
	return func(c *concurrencyConfig) error {
		c.Start = limit
		return when(limit < 1, fmt.Sprintf("the limit to start with must be positive, not %d", limit))
	}
}

// ConcurrencyTolerance sets by what factor the latency may exceed the base before
// the limit is lowered, from 1.05 to 4. The default is 1.25. A greater one lets more
// calls wait, and suits latencies that scatter widely.
func ConcurrencyTolerance(factor float64) ConcurrencyOption {
	return func(c *concurrencyConfig) error {
		c.Tolerance = factor
		return when(!(factor >= 1.05 && factor <= 4), fmt.Sprintf("the tolerance must be from 1.05 to 4, not %v", factor))
	}
}

func configured(opts []ConcurrencyOption) adaptive.Config {
	c := concurrencyConfig{adaptive.Defaults()}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(&c))
	}
	check("NewConcurrency", faults...)
	return c.Config
}
