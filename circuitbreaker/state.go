package circuitbreaker

import (
	"fmt"

	"github.com/sony/gobreaker/v2"
)

// State is the state of a [Circuit]. The zero value is Closed.
type State uint8

// The states.
const (
	Closed       State = iota // calls are made
	HalfOpen                  // a few probes are made, to see whether the instance is well
	Open                      // calls are refused
	ForcedOpen                // an operator forbids all calls
	ForcedClosed              // an operator allows all calls
)

// String returns the state in lower snake case, for instance "half_open".
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case HalfOpen:
		return "half_open"
	case Open:
		return "open"
	case ForcedOpen:
		return "forced_open"
	case ForcedClosed:
		return "forced_closed"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText returns what String returns.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateClosed:
		return Closed
	case gobreaker.StateHalfOpen:
		return HalfOpen
	}
	return Open
}

// Counts are the calls since the state last changed; while it is Closed, those
// within the window.
type Counts struct {
	// Requests were allowed, those still in flight included. A call that counts from its
	// end, see Window, is one more then, until its beginning has left the window.
	Requests             int
	Successes            int
	Failures             int
	Excluded             int // ended and counted neither way
	ConsecutiveSuccesses int
	ConsecutiveFailures  int
}

func countsOf(c gobreaker.Counts) Counts {
	return Counts{
		Requests:             int(c.Requests),
		Successes:            int(c.TotalSuccesses),
		Failures:             int(c.TotalFailures),
		Excluded:             int(c.TotalExclusions),
		ConsecutiveSuccesses: int(c.ConsecutiveSuccesses),
		ConsecutiveFailures:  int(c.ConsecutiveFailures),
	}
}

// Change is a change of the state of a [Circuit].
type Change struct {
	Name     string // of the circuit
	From, To State
}
