//go:build unix

package measure_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

func TestCPUClockRunsWithTheProcess(t *testing.T) {
	cpu, err := measure.CPUClock()
	if err != nil {
		t.Fatal(err)
	}
	wall := measure.WallClock()
	before := cpu()
	for deadline := wall() + time.Minute; cpu()-before < 20*time.Millisecond; {
		if wall() > deadline {
			t.Fatal("the clock stands still")
		}
	}
	// A process that sleeps uses no processor, so its clock lags behind the wall.
	before, start := cpu(), wall()
	<-time.After(200 * time.Millisecond)
	if used, passed := cpu()-before, wall()-start; used > passed/2 {
		t.Errorf("%v of %v were used asleep", used, passed)
	}
}
