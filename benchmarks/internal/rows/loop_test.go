package rows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

func TestParallelRunsEveryTurnOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 1000, 1001} {
		var turns, goroutines atomic.Int64
		err := rows.Parallel(4, func(n int) error {
			goroutines.Add(1)
			turns.Add(int64(n))
			return nil
		})(n)
		if err != nil || turns.Load() != int64(n) || goroutines.Load() != 4 {
			t.Errorf("%d turns became %d on %d goroutines, %v", n, turns.Load(), goroutines.Load(), err)
		}
	}
	broken := errors.New("broken")
	var once sync.Once
	err := rows.Parallel(4, func(int) (err error) {
		once.Do(func() { err = broken })
		return err
	})(100)
	if !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestSurvivingGoesOnAfterAnIndexOutOfRange(t *testing.T) {
	runs, turns := 0, 0
	var list []int
	loop := rows.Surviving(func(n int) error {
		if runs++; runs == 2 {
			_ = list[n]
		}
		turns += n
		return nil
	})
	if err := loop(3*4096 + 1); err != nil || runs != 4 || turns != 2*4096+1 {
		t.Errorf("%d runs of %d turns, %v", runs, turns, err)
	}
	if err := rows.Surviving(func(int) error { panic("a fault of ours") })(1); err == nil ||
		!strings.Contains(err.Error(), "a fault of ours") {
		t.Errorf("error is %v", err)
	}
	broken := errors.New("broken")
	if err := rows.Surviving(func(int) error { return broken })(1); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestCallsNoticeAWrongAnswer(t *testing.T) {
	wrong := func(_ context.Context, m rows.Message) (rows.Message, error) { return m, nil }
	if err := rows.Calls(wrong)(3); err == nil {
		t.Error("a wrong answer is taken")
	}
	kitWrong := func(_ context.Context, request any) (any, error) { return request, nil }
	if err := rows.KitCalls(kitWrong)(3); err == nil {
		t.Error("a wrong answer of Go kit is taken")
	}
	if err := rows.Calls(rows.Greet)(3); err != nil {
		t.Errorf("the right answer is an error: %v", err)
	}
	if err := rows.KitCalls(rows.KitGreet)(3); err != nil {
		t.Errorf("the right answer of Go kit is an error: %v", err)
	}
}
