package measure_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

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
