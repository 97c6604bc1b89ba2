package lb_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
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
