package measure_test

import (
	"context"
	"errors"
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

// At whichever step it fails or has to stop, what was opened is closed, once.
func TestRunLeavesNothingOpen(t *testing.T) {
	broken := errors.New("broken")
	for _, fresh := range []bool{false, true} {
		for _, stopped := range []bool{false, true} {
			steps := 0
			for err := errors.New("none yet"); err != nil; {
				steps++
				synctest.Test(t, func(t *testing.T) { err = failing(t, fresh, stopped, steps, broken) })
			}
			// Each of the two is opened, counted out in three and has four slices. To be
			// stopped in the last one is too late.
			if steps < 2*(1+3+4) {
				t.Errorf("fresh %v, stopped %v: done at step %d", fresh, stopped, steps)
			}
		}
	}
}

// failing is a run that fails, or is stopped, at a step of a contestant or its twin.
func failing(t *testing.T, fresh, stopped bool, at int, broken error) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	step, open := 0, 0
	next := func() error {
		switch step++; {
		case step != at:
			return nil
		case stopped:
			cancel()
			return nil
		}
		return broken
	}
	c := measure.Contestant{Name: "sick", Open: func() (measure.Loop, func(), error) {
		if err := next(); err != nil {
			return nil, nil, err
		}
		open++
		closed := false
		loop := func(n int) error {
			if closed {
				t.Error("what is closed goes on")
			}
			time.Sleep(time.Duration(n) * time.Second)
			return next()
		}
		return loop, func() {
			if closed {
				t.Error("closed twice")
			}
			closed = true
			open--
		}, nil
	}}
	g := measure.Group{Name: "faulty", Contestants: []measure.Contestant{c}, Fresh: fresh}
	_, err := measure.Run(ctx, g, plan)
	switch {
	case err == nil:
	case stopped && !errors.Is(err, context.Canceled):
		t.Errorf("stopped at step %d: %v", at, err)
	case !stopped && (!errors.Is(err, broken) || !strings.Contains(err.Error(), "sick") && !strings.Contains(err.Error(), "A/A")):
		t.Errorf("broken at step %d: %v", at, err)
	}
	if open != 0 {
		t.Errorf("at step %d: %d are left open", at, open)
	}
	return err
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

func TestRunFailsWithTheLoop(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		open func() (measure.Loop, func(), error)
	}{
		{"open", func() (measure.Loop, func(), error) { return nil, nil, broken }},
		{"warm up", func() (measure.Loop, func(), error) { return func(int) error { return broken }, nil, nil }},
		{"measure", func() (measure.Loop, func(), error) {
			calls := 0
			return func(n int) error {
				if calls++; calls > 3 { // those that count the turns out
					return broken
				}
				time.Sleep(time.Duration(n) * time.Second)
				return nil
			}, nil, nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closed := 0
				well := sleeper("well", time.Second)
				open := well.Open
				well.Open = func() (measure.Loop, func(), error) {
					loop, _, err := open()
					return loop, func() { closed++ }, err
				}
				_, err := measure.Run(t.Context(), measure.Group{
					Name: "faulty", Contestants: []measure.Contestant{well, {Name: "sick", Open: tt.open}},
				}, plan)
				if !errors.Is(err, broken) || !strings.Contains(err.Error(), "sick") {
					t.Errorf("error is %v", err)
				}
				if closed != 2 {
					t.Errorf("%d of 2 were closed", closed)
				}
			})
		})
	}
}

func TestRunStopsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := measure.Run(ctx, measure.Group{
			Name: "long", Contestants: []measure.Contestant{sleeper("a", time.Second)},
		}, measure.Plan{Rounds: 100, Slice: time.Second})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestRunNamesEveryFaultOfTheGroup(t *testing.T) {
	_, err := measure.Run(t.Context(), measure.Group{
		Name:        "odd",
		Contestants: []measure.Contestant{{Name: "a"}, {Name: "a"}},
		Twin:        "t",
		Rows:        []measure.Row{{Ours: "b", Peer: "c"}, {Ours: "a"}, {Among: []string{"a", "d"}}},
	}, plan)
	for _, want := range []string{`group "odd"`, `"a" is there twice`, `"b"`, `"c"`, `"d"`, `"t"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if _, err := measure.Run(t.Context(), measure.Group{}, plan); err == nil {
		t.Error("an empty group is measured")
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
