package lb_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// Nobody is told of the budget instead of the error, however many attempts there were.
func TestAnEmptyBudgetHidesNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := &endpoint.Error{Code: endpoint.Unavailable, Reason: "DISK_FULL", NotProcessed: true}
		for _, burst := range []int{1, 3} {
			b := lb.NewBudget(lb.BudgetBurst(burst), lb.BudgetRate(0), lb.BudgetRatio(0))
			next, calls := replies(real, real, real, real, real, real)
			_, err := lb.Retry(next, lb.MaxAttempts(9), lb.RetryBudget(b), lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1}))(t.Context(), "")
			if *calls != burst+1 || !errors.Is(err, lb.ErrBudget) || !errors.Is(err, real) || endpoint.CodeOf(err) != real.Code {
				t.Errorf("a budget of %d: %d calls, %v", burst, *calls, err)
			}
			next, calls = replies(real)
			if _, err := lb.Retry(next, lb.RetryBudget(b))(t.Context(), ""); *calls != 1 || err != error(real) {
				t.Errorf("an empty one: %d calls, %v", *calls, err)
			}
		}
	})
}

func TestBudgetBoundsTheExtraLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		next := lb.Retry(func(context.Context, string) (string, error) {
			calls.Add(1)
			return "", notProcessed
		}, lb.MaxAttempts(2), lb.RetryBudget(lb.NewBudget(lb.BudgetBurst(10), lb.BudgetRate(0))))
		for range 1000 {
			next(t.Context(), "")
		}
		// 20 % of 1,000, and the burst of 10.
		if got := calls.Load(); got < 1205 || got > 1210 {
			t.Errorf("%d calls came of 1,000", got)
		}
	})
}

// What a breaker refused, or what was given up before it was made, is no attempt.
func TestBudgetIsForAttemptsThatAServerSees(t *testing.T) {
	open := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, Instance: "b"}
	down := &endpoint.Error{Code: endpoint.Unavailable, Instance: "a"}
	for _, tt := range []struct {
		name  string
		errs  []error
		takes float64
	}{
		{"refused at first", []error{open, nil}, 0},
		{"refused for good", []error{open, open, open}, 0},
		{"seen", []error{down, nil}, 1},
		{"seen twice", []error{down, down, down}, 2},
		{"then refused", []error{down, open, open}, 0},
		{"seen after a refusal", []error{down, open, nil}, 1},
		{"seen, then refused", []error{down, down, open}, 1},
		{"refused, then seen", []error{open, down, down}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := lb.NewBudget(lb.BudgetRate(0), lb.BudgetRatio(0))
			next, _ := replies(tt.errs...)
			_, _ = lb.Retry(next, lb.Idempotent(), lb.RetryBudget(b))(t.Context(), "")
			if took := 100 - b.Balance(); took != tt.takes {
				t.Errorf("%s: it took %v, want %v", tt.name, took, tt.takes)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetRate(0), lb.BudgetRatio(0))
		next, calls := replies(down, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1, cancel)
		_, _ = lb.Retry(next, lb.Idempotent(), lb.RetryBudget(b), lb.RetryBackoff(sd.Backoff{Base: time.Second, Cap: time.Second}))(ctx, "")
		if *calls != 1 || b.Balance() != 100 {
			t.Errorf("%d calls, and %v are left", *calls, b.Balance())
		}
	})
}

func TestBudgetConcurrentSafe(t *testing.T) {
	b := lb.NewBudget(lb.BudgetBurst(500), lb.BudgetRate(0), lb.BudgetRatio(0))
	var calls atomic.Int64
	next := lb.Retry(func(context.Context, string) (string, error) {
		calls.Add(1)
		return "", notProcessed
	}, lb.MaxAttempts(2), lb.RetryBudget(b))
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 250 {
				next(context.Background(), "")
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
	if got := calls.Load(); got != 2500 {
		t.Errorf("%d calls for 2,000 and a budget of 500", got)
	}
}
