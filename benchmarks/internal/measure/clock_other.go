//go:build !unix

package measure

import "errors"

// CPUClock returns the clock that runs only while this process does. This system
// has none that is known here.
func CPUClock() (Clock, error) { return nil, errors.ErrUnsupported }
