package lb_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

func TestRetryGoesToAnotherInstance(t *testing.T) {
	var tried []string
	e, _ := endpointer(t, instances(4), func(_ context.Context, id, _ string) (string, error) {
		tried = append(tried, id)
		return "", notProcessed
	})
	next := lb.Retry(lb.Endpoint(lb.New(e, lb.Random()), (*client).Call), lb.MaxAttempts(4),
		lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1}), lb.RetryBudget(lb.NewBudget(lb.BudgetBurst(1000))))
	for range 50 {
		tried = nil
		if _, err := next(t.Context(), ""); err == nil {
			t.Fatal("no error")
		}
		slices.Sort(tried)
		if len(slices.Compact(tried)) != 4 {
			t.Fatalf("tried %v", tried)
		}
	}
}

func TestRetryLeavesAMarkedCallToTheHopBefore(t *testing.T) {
	header := carrier{}
	out := call.With(t.Context(), call.Attempt(2, nil))
	new(call.Propagator).Inject(out, header)
	in, cancel := new(call.Propagator).Extract(t.Context(), header)
	defer cancel()
	next, calls := replies(notProcessed)
	if _, err := lb.Retry(next)(in, ""); err == nil || *calls != 1 {
		t.Errorf("%d calls, error %v", *calls, err)
	}
}

type carrier map[string]string

func (c carrier) Get(key string) string { return c[key] }
func (c carrier) Set(key, value string) { c[key] = value }
func (c carrier) Keys() []string        { return nil }

// The breaker of one instance says when that one may be asked again; the others
// may be asked now.
func TestRetryDoesNotWaitForTheBreakerOfOneInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, RetryAfter: 20 * time.Second}
		behind := *open
		behind.Instance = "a"
		for _, tt := range []struct {
			err  error
			wait time.Duration
			left float64 // of a budget of 1
		}{{&behind, 0, 1}, {open, 20 * time.Second, 0}} {
			next, _ := replies(tt.err)
			budget := lb.NewBudget(lb.BudgetBurst(1), lb.BudgetRate(0), lb.BudgetRatio(0))
			start := time.Now()
			_, err := lb.Retry(next, lb.RetryBudget(budget))(t.Context(), "")
			if err != nil || time.Since(start) != tt.wait || budget.Balance() != tt.left {
				t.Errorf("%v after %v with %v left, want %v and %v", err, time.Since(start), budget.Balance(), tt.wait, tt.left)
			}
		}
	})
}
