package sd

import (
	"math"
	"time"
)

// resting returns a timer that waits for its first Reset. One of no time would go off
// for nothing. And many of those, seen by their goroutines at once in a bubble of
// synctest, are more than the race detector can bear (go.dev/issue/78156).
func resting() *time.Timer {
	t := time.NewTimer(math.MaxInt64)
	t.Stop()
	return t
}
