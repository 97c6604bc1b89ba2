package rows_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

func TestEveryWayOfGRPCGivesTheSame(t *testing.T) {
	for _, w := range rows.GRPCWays {
		for _, servers := range []int{1, 3} {
			e, stop, err := w.Open(servers)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			got, err := e(t.Context(), rows.Message{Text: "<ä>", N: 41})
			if want := (rows.Message{Text: "<ä>", N: 42}); got != want || err != nil {
				t.Errorf("%s with %d servers: %+v, %v", w.Name, servers, got, err)
			}
		}
	}
}

func TestGRPCGroupsRun(t *testing.T) {
	for _, g := range rows.GRPCs() {
		lines, err := measure.Run(t.Context(), g, measure.Plan{Rounds: 1, Slice: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != len(g.Rows)+1 {
			t.Errorf("%s has %d lines for %d rows and the noise", g.Name, len(lines), len(g.Rows))
		}
	}
}
