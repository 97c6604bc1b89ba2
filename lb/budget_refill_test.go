package lb_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// A floor of one attempt in twenty seconds is none in ten.
func TestBudgetOfALowFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetRate(0.05), lb.BudgetRatio(0))
		_, retry := paying(b)
		for retry() {
		}
		for _, step := range []struct {
			sleep time.Duration
			want  bool
		}{{19 * time.Second, false}, {time.Second, true}, {19 * time.Second, false}, {time.Hour, true}, {0, false}} {
			if time.Sleep(step.sleep); retry() != step.want {
				t.Errorf("after %v: may retry is %t, balance %v", step.sleep, !step.want, b.Balance())
			}
		}
	})
}

func TestBudgetRefillsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetRate(2), lb.BudgetBurst(20), lb.BudgetRatio(0))
		next, _ := replies(slices.Repeat([]error{notProcessed}, 100)...)
		e := lb.Retry(next, lb.MaxAttempts(1000), lb.RetryBudget(b), lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1}))
		if _, err := e(t.Context(), ""); !errors.Is(err, lb.ErrBudget) {
			t.Errorf("error is %v", err)
		}
		if got := b.Balance(); got >= 1 {
			t.Errorf("balance is %v", got)
		}
		time.Sleep(5 * time.Second)
		if got := b.Balance(); got < 10 || got > 11 {
			t.Errorf("after 5 s the balance is %v", got)
		}
		time.Sleep(time.Hour)
		if got := b.Balance(); got != 20 {
			t.Errorf("after an hour the balance is %v", got)
		}
	})
}

// However often it is looked at: the busier the callers, the more it is needed.
func TestBudgetRefillsInFullUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetRate(10), lb.BudgetBurst(1), lb.BudgetRatio(0))
		next := lb.Retry(func(context.Context, string) (string, error) { return "", notProcessed },
			lb.MaxAttempts(2), lb.RetryBudget(b))
		retries := 0
		for range 50_000 {
			time.Sleep(199 * time.Microsecond)
			if _, err := next(t.Context(), ""); errors.Is(err, lb.ErrAttempts) {
				retries++
			}
		}
		// 9.95 s at 10 a second, and the burst.
		if retries < 99 || retries > 101 {
			t.Errorf("%d retries in 9.95 s at 10 a second", retries)
		}
	})
}
