package lb_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// What an instance said to somebody else before, or under another address, is not news
// to a balancer that begins to know it.
func TestLeastLoadedTakesNoReportFromBefore(t *testing.T) {
	loads := new(lb.Loads)
	w := newWard(t, 2, lb.LeastLoaded(loads))
	w.report(loads, 0, 0.9, lb.Served)
	w.report(loads, 1, 0.1, lb.Served)
	w.now += time.Hour
	w.set(wardNodes(2)) // the same IDs at other addresses, which do not report
	w.observe(0, lb.Served, 1)
	w.observe(1, lb.Served, 1)
	if counts := w.spread(100); counts[0] < 20 || counts[1] < 20 {
		t.Errorf("after an hour, and with no report since, picks are %v", counts)
	}
	w.report(loads, 0, 0.9, lb.Served)
	w.report(loads, 1, 0.1, lb.Served)
	if counts := w.spread(100); counts[1] != 100 {
		t.Errorf("with new reports picks are %v", counts)
	}
}
