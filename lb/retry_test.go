package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

var (
	unavailable  = &endpoint.Error{Code: endpoint.Unavailable}
	notProcessed = &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	exhausted    = &endpoint.Error{Code: endpoint.ResourceExhausted}
	notFound     = &endpoint.Error{Code: endpoint.NotFound}
)

// replies fails with each error in turn and then answers with the attempt.
func replies(errs ...error) (endpoint.Endpoint[string, int], *int) {
	calls := new(int)
	return func(ctx context.Context, _ string) (int, error) {
		*calls++
		if *calls <= len(errs) && errs[*calls-1] != nil {
			return 0, errs[*calls-1]
		}
		return call.From(ctx).Attempt(), nil
	}, calls
}

func TestRetryDecides(t *testing.T) {
	idempotent := []lb.RetryOption{lb.Idempotent()}
	for _, tt := range []struct {
		name  string
		errs  []error
		opts  []lb.RetryOption
		calls int
		code  endpoint.Code
	}{
		{"success", nil, nil, 1, endpoint.OK},
		{"not processed", []error{notProcessed}, nil, 2, endpoint.OK},
		{"unavailable alone is no proof", []error{unavailable}, nil, 1, endpoint.Unavailable},
		{"idempotent", []error{unavailable, errors.New("boom")}, idempotent, 3, endpoint.OK},
		{"attempts used up", []error{unavailable, unavailable, unavailable}, idempotent, 3, endpoint.Unavailable},
		{"one attempt", []error{unavailable}, []lb.RetryOption{lb.Idempotent(), lb.MaxAttempts(1)}, 1, endpoint.Unavailable},
		{"exhausted", []error{exhausted}, idempotent, 2, endpoint.OK},
		{"exhausted, may have run", []error{exhausted}, nil, 1, endpoint.ResourceExhausted},
		{"the request's fault", []error{notFound}, idempotent, 1, endpoint.NotFound},
		{"a final error after a retry", []error{unavailable, notFound}, idempotent, 2, endpoint.NotFound},
		{"budget", []error{unavailable, unavailable}, []lb.RetryOption{lb.Idempotent(),
			lb.RetryBudget(lb.NewBudget(lb.BudgetBurst(1), lb.BudgetRate(0), lb.BudgetRatio(0)))}, 2, endpoint.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next, calls := replies(tt.errs...)
				_, err := lb.Retry(next, tt.opts...)(t.Context(), "")
				if *calls != tt.calls || endpoint.CodeOf(err) != tt.code {
					t.Errorf("%d calls, error %v; want %d and %v", *calls, err, tt.calls, tt.code)
				}
			})
		})
	}
}

func TestRetryHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, cancel := context.WithCancel(t.Context())
		cancel()
		next, calls := replies()
		if _, err := lb.Retry(next)(done, ""); !errors.Is(err, context.Canceled) || *calls != 0 {
			t.Errorf("a done context: %v, %d calls", err, *calls)
		}

		// The deadline leaves no time: fail now, not then.
		next, calls = replies(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := lb.Retry(next)(ctx, "")
		if *calls != 1 || time.Since(start) != 0 || endpoint.CodeOf(err) != endpoint.Unavailable {
			t.Errorf("%d calls after %v: %v", *calls, time.Since(start), err)
		}

		// The caller gives up during the delay: both errors are there.
		next, _ = replies(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: 20 * time.Second})
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = lb.Retry(next)(ctx, "")
		if !errors.Is(err, context.Canceled) || endpoint.CodeOf(err) != endpoint.Unavailable || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestRetryAttemptTimeoutSparesTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		next := func(ctx context.Context, _ string) (string, error) {
			if calls++; calls == 1 {
				<-ctx.Done()
				return "", fmt.Errorf("wrapped: %w", ctx.Err())
			}
			return "ok", nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		got, err := lb.Retry(next, lb.Idempotent(), lb.AttemptTimeout(time.Second))(ctx, "")
		if got != "ok" || err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("%q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestRetryReportsEachRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		next, _ := replies(unavailable, notProcessed)
		lb.Retry(next, lb.Idempotent(), lb.OnRetry(func(_ context.Context, n int, err error) {
			got = append(got, fmt.Sprint(n, endpoint.IsNotProcessed(err)))
		}))(t.Context(), "")
		if !slices.Equal(got, []string{"2 false", "3 true"}) {
			t.Errorf("reported %v", got)
		}
	})
}

func TestRetryCountsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, _ := replies(notProcessed)
		if n, err := lb.Retry(next)(t.Context(), ""); n != 2 || err != nil {
			t.Errorf("the second attempt knows itself as %d, %v", n, err)
		}
	})
}

func TestUntroubledRetryAllocatesNothing(t *testing.T) {
	next := lb.Retry(func(context.Context, string) (string, error) { return "", nil }, lb.Idempotent())
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = next(ctx, "") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
