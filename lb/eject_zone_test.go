package lb_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// A zone all of whose instances fail fast gets no calls but probes if Eject goes round
// Zone.
func TestEjectRoundAZoneThatFailsFast(t *testing.T) {
	for _, inner := range []lb.Strategy{lb.RoundRobin(), lb.LeastRequest(), lb.PeakEWMA()} {
		w := &ward{TB: t, strategy: lb.Eject(lb.Zone("a", inner)), now: time.Second}
		w.set(zoned("a", "b", "b", "c", "c"))
		sick := func(i int) lb.Result {
			if i == 0 {
				return lb.Faulted
			}
			return lb.Served
		}
		faults := 0
		for range 1000 {
			faults += count(w.call(time.Millisecond, sick) == 0)
		}
		if faults != 5 {
			t.Errorf("%d calls of 1,000 failed", faults)
		}
	}
}
