package measure

import "time"

// Clock returns how much time has passed since some moment in the past.
type Clock func() time.Duration

// WallClock returns the clock on the wall.
func WallClock() Clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// coresUsed begins to count how many cores the process uses.
func coresUsed() func() float64 {
	cpu, err := CPUClock()
	if err != nil {
		return func() float64 { return 0 }
	}
	wall, before := WallClock(), cpu()
	return func() float64 { return float64(cpu()-before) / float64(max(wall(), 1)) }
}
