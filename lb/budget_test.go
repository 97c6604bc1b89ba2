package lb_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/lb"
)

// paying returns a function that makes n calls that deposit, and one that reports
// whether a call may be retried.
func paying(b *lb.Budget) (pay func(n int), retries func() bool) {
	fine := lb.Retry(func(context.Context, string) (int, error) { return 0, nil }, lb.RetryBudget(b))
	fails := lb.Retry(func(context.Context, string) (int, error) { return 0, notProcessed }, lb.MaxAttempts(2), lb.RetryBudget(b))
	pay = func(n int) {
		for range n {
			_, _ = fine(context.Background(), "")
		}
	}
	retries = func() bool {
		_, err := fails(context.Background(), "")
		return errors.Is(err, lb.ErrAttempts)
	}
	return pay, retries
}

// By default nothing needs to expire: ten idle seconds bring in as much as any burst
// may have left.
func TestBudgetOfABurstIsThatOfAnIdleClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		burst, idle := lb.NewBudget(), lb.NewBudget()
		pay, _ := paying(burst)
		pay(100_000)
		_, retry := paying(idle)
		for retry() {
		}
		time.Sleep(10 * time.Second)
		if burst.Balance() != 100 || idle.Balance() != 100 {
			t.Errorf("the burst left %v, nothing %v", burst.Balance(), idle.Balance())
		}
	})
}

func TestBudgetDepositsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetBurst(1000), lb.BudgetRate(2))
		pay, _ := paying(b)
		for _, step := range []struct {
			sleep time.Duration
			calls int
			want  float64
		}{
			{0, 0, 1000},
			{11 * time.Second, 0, 20}, // what it began with is gone too, but for the floor
			{0, 1000, 220},
			{4900 * time.Millisecond, 0, 220},
			{0, 10_000, 1000}, // and no more
			{4900 * time.Millisecond, 0, 1000},
			{5200 * time.Millisecond, 0, 20},
			{time.Hour, 0, 20},
			{0, 500, 120},
			{5100 * time.Millisecond, 500, 220},   // the first are stale now
			{5100 * time.Millisecond, 500, 220},   // and now gone
			{5100 * time.Millisecond, 5000, 1000}, // what is fresh takes the place of what is stale
			{5100 * time.Millisecond, 0, 1000},
			{time.Hour, 0, 20},
		} {
			time.Sleep(step.sleep)
			if pay(step.calls); b.Balance() != step.want {
				t.Fatalf("after %v and %d calls the balance is %v, want %v", step.sleep, step.calls, b.Balance(), step.want)
			}
		}
	})
}

// While calls come in, what they have deposited does not come and go.
func TestBudgetIsSteadyUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetBurst(1000), lb.BudgetRate(0))
		pay, _ := paying(b)
		for n := range 6000 {
			time.Sleep(10 * time.Millisecond)
			pay(20) // 400 tokens a second
			if got := b.Balance(); n > 300 && got < 999 {
				t.Fatalf("after %d steps the balance is %v", n, got)
			}
		}
	})
}

// Halves of a token that were deposited at different times are one.
func TestBudgetAddsUpFractions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetBurst(10), lb.BudgetRate(0), lb.BudgetRatio(0.25))
		pay, retry := paying(b)
		time.Sleep(11 * time.Second)
		pay(2)
		time.Sleep(5100 * time.Millisecond) // 0.5 stale
		pay(2)
		if before := b.Balance(); before != 1 || !retry() || b.Balance() != 0.25 { // a retried call pays too
			t.Errorf("the balance was %v and is %v", before, b.Balance())
		}
	})
}

func TestBudgetNeverGivesMoreThanItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.NewBudget(lb.BudgetBurst(500), lb.BudgetRate(20), lb.BudgetRatio(0))
		_, retry := paying(b)
		time.Sleep(6 * time.Second) // so that there are stale ones
		var retries atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					if retry() {
						retries.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if got := retries.Load(); got != 500 || b.Balance() != 0 {
			t.Errorf("%d retries of 500, %v left", got, b.Balance())
		}
	})
}

func TestDepositsAllocateNothing(t *testing.T) {
	pay, _ := paying(lb.NewBudget(lb.BudgetBurst(1000)))
	if n := testing.AllocsPerRun(100, func() { pay(1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
