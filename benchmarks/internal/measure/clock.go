package measure

import "time"

// Clock returns how much time has passed since some moment in the past.
type Clock func() time.Duration

// WallClock returns the clock on the wall.
func WallClock() Clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
