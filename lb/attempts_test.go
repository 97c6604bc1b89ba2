package lb_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

func TestAttemptsCountRetriesAndWhyTheyStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unavailable := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
		empty := lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(1))
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		marked, end := new(call.Propagator).Extract(t.Context(), retried{})
		defer end()
		steady := lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1})
		for _, tt := range []struct {
			name    string
			ctx     context.Context
			err     error
			opts    []lb.RetryOption
			retries uint64
			reason  error
		}{
			{"attempts", t.Context(), unavailable, []lb.RetryOption{lb.MaxAttempts(3)}, 2, lb.ErrAttempts},
			{"final", t.Context(), &endpoint.Error{Code: endpoint.NotFound}, nil, 0, lb.ErrFinal},
			{"budget", t.Context(), unavailable, []lb.RetryOption{lb.RetryBudget(empty)}, 1, lb.ErrBudget},
			{"marked", marked, unavailable, nil, 0, lb.ErrMarked},
			{
				"retry after", t.Context(), &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: time.Hour},
				nil, 0, lb.ErrRetryAfter,
			},
			{
				"no time", soon, &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: 10 * time.Second},
				nil, 0, lb.ErrNoTime,
			},
		} {
			var counts lb.Attempts
			opts := append([]lb.RetryOption{lb.RetryCountIn(&counts), steady}, tt.opts...)
			_, err := lb.Retry(func(context.Context, int) (int, error) { return 0, tt.err }, opts...)(tt.ctx, 1)
			if err == nil || counts.Retries() != tt.retries || counts.Stopped(tt.reason) != 1 {
				t.Errorf("%s: %v; %d retries, want %d, and %d stopped for it, want 1",
					tt.name, err, counts.Retries(), tt.retries, counts.Stopped(tt.reason))
			}
			if tt.reason != lb.ErrFinal && counts.Stopped(lb.ErrFinal)+counts.Stopped(context.Canceled) != 0 {
				t.Errorf("%s: stopped for other reasons too", tt.name)
			}
		}
	})
}

func TestAttemptsCountTheEndOfTheContextAndNoSuccess(t *testing.T) {
	var counts lb.Attempts
	ctx, cancel := context.WithCancel(t.Context())
	failing := lb.Retry(func(context.Context, int) (int, error) {
		cancel()
		return 0, &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	}, lb.RetryCountIn(&counts))
	_, _ = failing(ctx, 1)
	if counts.Stopped(context.Canceled) != 1 || counts.Stopped(context.DeadlineExceeded) != 1 {
		t.Errorf("%d stopped by the context, want 1", counts.Stopped(context.Canceled))
	}
	fine := lb.Retry(func(_ context.Context, n int) (int, error) { return n, nil }, lb.RetryCountIn(&counts))
	_, _ = fine(t.Context(), 1)
	if counts.Retries() != 0 || counts.Stopped(context.Canceled) != 1 {
		t.Error("a success was counted")
	}
}

func TestAttemptsCountHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counts lb.Attempts
		first, second := 10*time.Second, time.Second
		e := lb.Hedge(func(ctx context.Context, _ int) (int, error) {
			wait := first
			if call.From(ctx).Attempt() == 2 {
				wait = second
			}
			select {
			case <-time.After(wait):
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}, lb.HedgeAfter(time.Second), lb.HedgeCountIn(&counts),
			lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(2))))
		want := func(what string, hedges, won, denied uint64) {
			t.Helper()
			_, _ = e(t.Context(), 1)
			if counts.Hedges() != hedges || counts.HedgesWon() != won || counts.HedgesDenied() != denied {
				t.Errorf("%s: %d hedges, %d won, %d denied; want %d, %d, %d",
					what, counts.Hedges(), counts.HedgesWon(), counts.HedgesDenied(), hedges, won, denied)
			}
		}
		want("the second is faster", 1, 1, 0)
		first, second = 3*time.Second, time.Minute
		want("the first is faster", 2, 1, 0)
		want("no budget", 2, 1, 1)
		first = time.Millisecond
		want("no need", 2, 1, 1)
	})
}

// retried is a carrier of a call that the hop before has marked.
type retried struct{}

func (retried) Get(key string) string {
	if key == call.RetriesKey {
		return "1"
	}
	return ""
}
func (retried) Set(string, string) {}
func (retried) Keys() []string     { return []string{call.RetriesKey} }

func TestAttemptsThatAreNil(t *testing.T) {
	for want, misuse := range map[string]func(){
		"lb: Retry: the attempts are nil": func() {
			lb.Retry(func(_ context.Context, n int) (int, error) { return n, nil }, lb.RetryCountIn(nil))
		},
		"lb: Hedge: the attempts are nil": func() {
			lb.Hedge(func(_ context.Context, n int) (int, error) { return n, nil }, lb.HedgeCountIn(nil))
		},
	} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("panic %v, want %s", v, want)
				}
			}()
			misuse()
		}()
	}
}

func ExampleAttempts() {
	var attempts lb.Attempts
	fail := func(context.Context, string) (string, error) {
		return "", &endpoint.Error{Code: endpoint.Unavailable} // it may have been processed
	}
	quick := lb.RetryBackoff(sd.Backoff{Base: time.Millisecond, Cap: time.Millisecond})
	read := lb.Retry(fail, lb.Idempotent(), quick, lb.RetryCountIn(&attempts))
	write := lb.Retry(fail, quick, lb.RetryCountIn(&attempts))

	_, _ = read(context.Background(), "")
	_, _ = write(context.Background(), "")
	fmt.Println(attempts.Retries(), "retries")
	fmt.Println(attempts.Stopped(lb.ErrAttempts), "call had no attempt left")
	fmt.Println(attempts.Stopped(lb.ErrFinal), "call must not be tried again")
	// Output:
	// 2 retries
	// 1 call had no attempt left
	// 1 call must not be tried again
}
