package circuitbreaker

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Circuit is a circuit breaker: a gobreaker that leaves out what says nothing of
// the instance. It is safe for concurrent use, holds no goroutine, and may serve
// several endpoints. Make it with [New].
//
// Closed, it opens when enough calls fail. Open, it refuses all calls until its
// time is over, and is half-open with the first call, or question, after that.
// Half-open, it allows a few probes: it closes when all succeed and opens again
// when one fails. A probe that is cancelled makes room for another.
type Circuit struct {
	name    string
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	start   time.Time
	half    time.Duration // of the window
	phase   atomic.Uint64 // the number of the changes of state, doubled, and 1 more while closed
	until   atomic.Int64  // since start, in ns: the end of the latest open state
	refused atomic.Uint64
	changes changes

	open, busy, forced error // what Allow returns, made once
}

// New returns a closed Circuit. name identifies it in changes and errors, for
// instance the ID of the instance. New panics if an option is nil or out of
// range.
func New(name string, opts ...CircuitOption) *Circuit {
	s := newSettings(opts)
	c := &Circuit{
		name:    name,
		start:   time.Now(),
		half:    s.window / 2,
		changes: changes{name: name, hook: s.onChange},
		open:    fmt.Errorf("circuit %q: %w", name, gobreaker.ErrOpenState),
		busy:    fmt.Errorf("circuit %q is half-open: %w", name, gobreaker.ErrTooManyRequests),
		forced:  fmt.Errorf("circuit %q is forced open: %w", name, gobreaker.ErrOpenState),
	}
	c.phase.Store(closed)
	c.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         name,
		MaxRequests:  uint32(s.probes),
		Interval:     s.window,
		BucketPeriod: s.window / buckets,
		Timeout:      s.openFor,
		ReadyToTrip:  s.trips,
		IsExcluded:   IsExcluded,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				// gobreaker asks whether the time is past, not whether it is over.
				now := time.Since(c.start) + 1
				c.until.Store(int64(now + min(s.openFor, math.MaxInt64-now)))
			}
			next := c.phase.Load()&^closed + 2
			if to == gobreaker.StateClosed {
				next |= closed
			}
			c.phase.Store(next)
			c.changes.note(stateOf(to))
		},
	})
	return c
}

// Name returns the name given to New.
func (c *Circuit) Name() string { return c.name }

// Allow implements [Breaker].
func (c *Circuit) Allow() (done func(err error), err error) {
	p, err := c.allow()
	if err != nil {
		return nil, err
	}
	return p.leave, nil
}

// allow is Allow for [Break], which need not have the place made a function.
func (c *Circuit) allow() (place, error) {
	force := c.Forced()
	if force == ForceOpen {
		c.refused.Add(1)
		return place{}, c.forced
	}
	phase, began := c.phase.Load(), time.Since(c.start)
	report, err := c.breaker.Allow()
	c.announce(report)
	switch {
	case err == nil:
		return place{report, c, phase, began}, nil
	case force == ForceClosed:
		return place{done: uncounted}, nil
	}
	c.refused.Add(1)
	if err == gobreaker.ErrOpenState {
		return place{}, c.open
	}
	return place{}, c.busy
}

// announce delivers the changes. If the hook panics, the place of a call that was
// allowed is given back, since nobody else can.
func (c *Circuit) announce(report func(error)) {
	if c.changes.hook == nil {
		return
	}
	returned := false
	defer func() {
		if !returned && report != nil {
			report(&excludedError{errUnfinished})
		}
	}()
	c.changes.deliver()
	returned = true
}

// uncounted is told of the calls that gobreaker knows nothing of.
func uncounted(error) {}

// Force sets what an operator decides, until the next Force. Beneath it the circuit
// goes on: the calls of ForceClosed count as far as it would have allowed them, and
// an open state ends in its time. So after Automatic it knows the state of affairs.
// Force panics if f is none of the constants.
func (c *Circuit) Force(f Force) {
	f.check("Circuit.Force")
	c.changes.force(f)
	c.changes.deliver()
}

// Forced returns what an operator decided, and Automatic if nothing.
func (c *Circuit) Forced() Force { return Force(c.changes.forced.Load()) }

// State returns the current state, which is ForcedOpen or ForcedClosed as long as
// an operator decides.
func (c *Circuit) State() State {
	return c.Forced().over(stateOf(c.breaker.State()))
}

// Counts returns how the calls went.
func (c *Circuit) Counts() Counts {
	c.breaker.State() // looks at the clock, which Counts does not
	return countsOf(c.breaker.Counts())
}

// Refused returns how many calls were refused since New.
func (c *Circuit) Refused() uint64 { return c.refused.Load() }

// RetryAfter returns how long the circuit stays open yet, and zero if it is not
// open, or an operator decides.
func (c *Circuit) RetryAfter() time.Duration {
	if c.Forced() != Automatic {
		return 0
	}
	return max(0, time.Duration(c.until.Load())-time.Since(c.start))
}
