package measure_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

func TestRunCountsAllocationsOfAllGoroutines(t *testing.T) {
	kept := make(chan []byte, 1)
	lines, err := measure.Run(t.Context(), measure.Group{Name: "bytes", Contestants: []measure.Contestant{
		{Name: "allocates", Open: func() (measure.Loop, func(), error) {
			return func(n int) error {
				for range n {
					go func() { kept <- make([]byte, 10_000) }()
					<-kept
				}
				return nil
			}, nil, nil
		}},
	}}, measure.Plan{Rounds: 3, Slice: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got := lines[0].OurCost; got.Bytes < 10_000 || got.Bytes > 12_000 || got.Allocs < 1 || got.Allocs > 4 {
		t.Errorf("a turn that allocates 10,000 bytes costs %+v", got)
	}
}

// What comes now and then is in the time of a slice, but not in that of most parts.
func TestRunTakesTheMedianOfTheParts(t *testing.T) {
	for parts, want := range map[int]float64{0: 2e6, 10: 1e6} {
		synctest.Test(t, func(t *testing.T) {
			heldUp := measure.Contestant{Name: "held up", Open: func() (measure.Loop, func(), error) {
				turns := 0
				return func(n int) error {
					time.Sleep(time.Duration(n) * time.Millisecond)
					before := turns / 400
					turns += n
					time.Sleep(time.Duration(turns/400-before) * 400 * time.Millisecond)
					return nil
				}, nil, nil
			}}
			g := measure.Group{Name: "parts", Parts: parts, Contestants: []measure.Contestant{heldUp}}
			lines, err := measure.Run(t.Context(), g, plan)
			if got := lines[0].OurCost.Nanos; err != nil || math.Abs(got/want-1) > 0.25 {
				t.Errorf("in %d parts a turn takes %v ns, want %v; error %v", parts, got, want, err)
			}
		})
	}
}

// A preemption while the turns of a slice are counted out does not make it short.
func TestRunIsNotMisledByOneHoldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []int
		loops := 0
		c := measure.Contestant{Name: "held up", Open: func() (measure.Loop, func(), error) {
			return func(n int) error {
				if loops++; loops == 2 {
					time.Sleep(2 * plan.Slice)
				}
				turns = append(turns, n)
				time.Sleep(time.Duration(n) * time.Millisecond)
				return nil
			}, nil, nil
		}}
		if _, err := measure.Run(t.Context(), measure.Group{Name: "one", Contestants: []measure.Contestant{c}}, plan); err != nil {
			t.Fatal(err)
		}
		if last := turns[len(turns)-1]; last < 750 {
			t.Errorf("a slice of %v is %d turns of a millisecond", plan.Slice, last)
		}
	})
}
