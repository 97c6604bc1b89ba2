package rows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

// Each loop checks its own answers, so that one that runs is right.
func TestEveryGroupRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	names := make(map[string]bool)
	for _, g := range rows.All() {
		if names[g.Name] {
			t.Errorf("two groups are called %q", g.Name)
		}
		names[g.Name] = true
		if raceEnabled && strings.HasSuffix(g.Name, "parallel") {
			continue // Go kit's random balancer is a race
		}
		t.Run(g.Name, func(t *testing.T) {
			lines, err := measure.Run(t.Context(), g, measure.Plan{Rounds: 1, Slice: time.Microsecond})
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) != len(g.Rows)+1 {
				t.Errorf("%d lines for %d rows and the noise", len(lines), len(g.Rows))
			}
			for _, l := range lines {
				if l.OurCost.Nanos <= 0 {
					t.Errorf("no time for %s", l.What)
				}
			}
		})
	}
}
