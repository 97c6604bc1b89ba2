package circuitbreaker

import "fmt"

// Force is an operator's decision that stands above what a breaker decides by
// itself. The zero value is Automatic.
type Force uint8

// What an operator can decide.
const (
	Automatic   Force = iota // the breaker decides
	ForceOpen                // all calls are refused
	ForceClosed              // all calls are made
)

// String returns the name in lower snake case, for instance "force_open".
func (f Force) String() string {
	switch f {
	case Automatic:
		return "automatic"
	case ForceOpen:
		return "force_open"
	case ForceClosed:
		return "force_closed"
	}
	return fmt.Sprintf("force(%d)", uint8(f))
}

// MarshalText returns what String returns.
func (f Force) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// over returns the state of a breaker that would be in state by itself.
func (f Force) over(state State) State {
	switch f {
	case ForceOpen:
		return ForcedOpen
	case ForceClosed:
		return ForcedClosed
	}
	return state
}

func (f Force) check(function string) {
	check(function, when(f > ForceClosed, fmt.Sprintf("%v is nothing to force", f)))
}
