package rows_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows"
	"github.com/dowelkit/dowel/lb"
)

// What is measured picks among all connections, as the strategy says.
func TestGRPCKitPicksAsItsStrategySays(t *testing.T) {
	k, err := rows.NewGRPCKitPicker(lb.RoundRobin(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	shares := k.Shares(70)
	for addr, n := range shares {
		if n != 10 {
			t.Errorf("%s is picked %d times of 70", addr, n)
		}
	}
	if len(shares) != 7 {
		t.Errorf("picked are %v", shares)
	}
}

func TestGRPCKitPickGroupsRun(t *testing.T) {
	for _, g := range rows.PicksOfGRPCKit() {
		if _, err := measure.Run(t.Context(), g, measure.Plan{Rounds: 1, Slice: time.Microsecond}); err != nil {
			t.Errorf("%s: %v", g.Name, err)
		}
	}
}
