package measure_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

// sleeper takes d per turn, by the fake clock of the bubble.
func sleeper(name string, d time.Duration) measure.Contestant {
	return measure.Contestant{Name: name, Open: func() (measure.Loop, func(), error) {
		return func(n int) error { time.Sleep(time.Duration(n) * d); return nil }, nil, nil
	}}
}

var plan = measure.Plan{Rounds: 4, Slice: time.Second}

func TestRunComparesInOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layered := sleeper("ten layers", 10*time.Millisecond)
		layered.Per = 10
		lines, err := measure.Run(t.Context(), measure.Group{
			Name:        "sleep",
			Contestants: []measure.Contestant{sleeper("slow", 3*time.Millisecond), sleeper("fast", 2*time.Millisecond), layered},
			Twin:        "fast",
			Rows: []measure.Row{
				{What: "slow", Ours: "slow", Peer: "fast", Budget: measure.Budget{Ratio: 1.4}},
				{What: "fast", Ours: "fast", Peer: "slow", Budget: measure.Budget{Ratio: 0.7}},
				{What: "all", Among: []string{"ten layers", "fast", "slow"}},
				{What: "alone", Ours: "fast", Budget: measure.Budget{Nanos: 2e6}},
			},
		}, plan)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct {
			ours, peer string
			ratio      float64
			verdict    measure.Verdict
		}{
			{"slow", "fast", 1.5, measure.Miss},
			{"fast", "slow", 2. / 3, measure.OK},
			{"slow", "ten layers", 3, measure.None},
			{"fast", "", 0, measure.OK},
			{"A/A", "fast", 1, measure.None},
		} {
			l := lines[i]
			if l.Ours != want.ours || l.Peer != want.peer || l.Verdict() != want.verdict ||
				math.Abs(l.Ratio.Mid-want.ratio) > 1e-9 || l.Noise != (i == 4) {
				t.Errorf("line %d is %+v with verdict %q, want %+v", i, l, l.Verdict(), want)
			}
		}
		if got := lines[2].PeerCost.Nanos; got != 1e6 {
			t.Errorf("a layer of ten takes %v ns", got)
		}
	})
}

func TestRunInterleaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		noted := func(name string) measure.Contestant {
			c := sleeper(name, time.Second)
			return measure.Contestant{Name: name, Open: func() (measure.Loop, func(), error) {
				loop, _, _ := c.Open()
				return func(n int) error { order = append(order, name); return loop(n) }, nil, nil
			}}
		}
		_, err := measure.Run(t.Context(), measure.Group{
			Name: "order", Contestants: []measure.Contestant{noted("a"), noted("b"), noted("c")}, Twin: "b",
		}, plan)
		if err != nil {
			t.Fatal(err)
		}
		const warmup = "aaa" + "bbb" + "bbb" + "ccc"
		if got := strings.Join(order, ""); got != warmup+"abbc"+"cbba"+"abbc"+"cbba" {
			t.Errorf("ran in the order %s", got)
		}
	})
}

// What is to be fresh is opened for each slice, warmed up, measured and closed, one at
// a time, and its turns are counted out once.
func TestRunOpensAnewForEachSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		times := 0
		c := measure.Contestant{Name: "c", Open: func() (measure.Loop, func(), error) {
			times++
			log = append(log, fmt.Sprint("open ", times))
			loop := func(n int) error {
				log = append(log, fmt.Sprint("loop ", n))
				time.Sleep(time.Duration(n) * time.Millisecond)
				return nil
			}
			return loop, func() { log = append(log, "close") }, nil
		}}
		g := measure.Group{Name: "fresh", Contestants: []measure.Contestant{c}, Fresh: true, Parts: 2}
		lines, err := measure.Run(t.Context(), g, plan)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines[0].OurCost.Nanos; got != 1e6 {
			t.Errorf("a turn takes %v ns", got)
		}
		var want []string
		for k := range 2 {
			want = append(want, fmt.Sprint("open ", 1+k), "loop 1", "loop 50", "loop 500", "loop 500", "loop 500", "close")
		}
		for k := range 2 * plan.Rounds {
			want = append(want, fmt.Sprint("open ", 3+k), "loop 125", "loop 500", "loop 500", "close")
		}
		if !slices.Equal(log, want) {
			t.Errorf("it and its twin did\n%v, want\n%v", log, want)
		}
	})
}

func TestRunHasTheRoundsAndSlicesOfTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []int
		c := measure.Contestant{Name: "c", Open: func() (measure.Loop, func(), error) {
			return func(n int) error { turns = append(turns, n); time.Sleep(time.Duration(n) * time.Second); return nil }, nil, nil
		}}
		g := measure.Group{Name: "more", Contestants: []measure.Contestant{c}, Repeat: 3, Stretch: 2}
		if _, err := measure.Run(t.Context(), g, plan); err != nil {
			t.Fatal(err)
		}
		warmup := []int{1, 2, 2, 2} // one turn of a second is no slice of two
		want := slices.Concat(warmup, warmup, slices.Repeat([]int{2}, plan.Rounds*3*2))
		if !slices.Equal(turns, want) {
			t.Errorf("the loops of it and its twin made %v turns, want %v", turns, want)
		}
	})
}
