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
	"github.com/dowelkit/dowel/sd"
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

func TestRetryKeepsEveryError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, last := errors.New("first"), errors.New("last")
		next, _ := replies(first, last)
		_, err := lb.Retry(next, lb.Idempotent(), lb.MaxAttempts(2))(t.Context(), "")
		re, ok := errors.AsType[*lb.RetryError](err)
		if !ok || !slices.Equal(re.Attempts, []error{first, last}) || !errors.Is(err, lb.ErrAttempts) ||
			!errors.Is(err, first) || !errors.Is(err, last) {
			t.Errorf("error is %v", err)
		}
		const want = "2 attempts failed (lb: no attempt is left); attempt 2: last; attempt 1: first"
		if err.Error() != want {
			t.Errorf("text is %q", err)
		}
	})
}

func TestRetryErrorIsNotProcessedOnlyIfNoAttemptWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			errs []error
			want bool
		}{
			{[]error{notProcessed, notProcessed}, true},
			{[]error{notProcessed, unavailable}, false},
			{[]error{unavailable, notProcessed}, false},
		} {
			next, _ := replies(tt.errs...)
			_, err := lb.Retry(next, lb.Idempotent(), lb.MaxAttempts(2))(t.Context(), "")
			if endpoint.IsNotProcessed(err) != tt.want {
				t.Errorf("%v: not processed is %v", err, !tt.want)
			}
		}
	})
}

// What an attempt before said is not taken for what the last one did not say.
func TestRetryErrorHasTheCodeOfTheLastAttempt(t *testing.T) {
	busy := &endpoint.Error{Code: endpoint.ResourceExhausted, Message: "too fast", NotProcessed: true, RetryAfter: time.Second}
	boom := errors.New("boom")
	for _, tt := range []struct {
		last         error
		code, public endpoint.Code
		fault        bool
	}{
		{boom, endpoint.Unknown, endpoint.Internal, true},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), endpoint.DeadlineExceeded, endpoint.DeadlineExceeded, true},
		{context.Canceled, endpoint.Canceled, endpoint.Canceled, false},
		{notFound, endpoint.NotFound, endpoint.NotFound, false},
		{&lb.RetryError{Attempts: []error{busy, boom}}, endpoint.Unknown, endpoint.Internal, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			next, _ := replies(busy, tt.last)
			_, err := lb.Retry(next, lb.MaxAttempts(2))(t.Context(), "")
			re, ok := errors.AsType[*lb.RetryError](err)
			if !ok || !slices.Equal(re.Attempts, []error{busy, tt.last}) || !errors.Is(err, busy) || !errors.Is(err, tt.last) {
				t.Errorf("%v: error is %v", tt.last, err)
			}
			if got := endpoint.CodeOf(err); got != tt.code || endpoint.Fault(t.Context(), err) != tt.fault || endpoint.IsNotProcessed(err) {
				t.Errorf("%v: code %v, a fault is %t", tt.last, got, !tt.fault)
			}
			if p := endpoint.Public(err); p.Code != tt.public || p.Message == busy.Message || p.RetryAfter != 0 {
				t.Errorf("%v: the caller sees %+v", tt.last, p)
			}
		})
	}
}

func TestRetryBacksOffWithJitterAndObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		for range 200 {
			next, _ := replies(unavailable)
			start := time.Now()
			lb.Retry(next, lb.Idempotent(), lb.RetryBackoff(sd.Backoff{Base: time.Second}))(t.Context(), "")
			waits = append(waits, time.Since(start))
		}
		slices.Sort(waits)
		if waits[0] > 100*time.Millisecond || waits[199] < 900*time.Millisecond || waits[199] > time.Second ||
			waits[100] < 300*time.Millisecond || waits[100] > 700*time.Millisecond {
			t.Errorf("waits are not uniform from 0 to 1 s: %v, %v, %v", waits[0], waits[100], waits[199])
		}
		next, _ := replies(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: 20 * time.Second})
		start := time.Now()
		lb.Retry(next)(t.Context(), "")
		if got := time.Since(start); got != 20*time.Second {
			t.Errorf("waited %v instead of the 20 s that the server asked for", got)
		}
		next, _ = replies(notProcessed)
		start = time.Now()
		lb.Retry(next)(t.Context(), "")
		if got := time.Since(start); got != 0 {
			t.Errorf("what was not processed waited %v for another instance", got)
		}
	})
}

// One answer must not park its callers for a day.
func TestRetryWaitsNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]int{time.Second: 3, time.Second + 1: 1, 24 * time.Hour: 1} {
			slow := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: after}
			next, calls := replies(slow, slow, slow)
			_, err := lb.Retry(next, lb.MaxRetryDelay(time.Second))(t.Context(), "")
			if *calls != want || endpoint.CodeOf(err) != endpoint.Unavailable {
				t.Errorf("retry after %v: %d calls, want %d; %v", after, *calls, want, err)
			}
		}
	})
}

// Breakers of several instances cost no delay while there are others; a second
// refusal of the same one does.
func TestRetryHurriesPastOpenBreakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := func(id string) error {
			return &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true, Instance: id}
		}
		backoff := lb.RetryBackoff(sd.Backoff{Base: time.Hour, Cap: time.Hour})
		long := lb.MaxRetryDelay(2 * time.Hour)
		next, _ := replies(open("a"), open("b"), open("c"))
		start := time.Now()
		if _, err := lb.Retry(next, lb.MaxAttempts(4), backoff, long)(t.Context(), ""); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		next, _ = replies(open("a"), open("b"), open("a"))
		if _, err := lb.Retry(next, lb.MaxAttempts(4), backoff, long)(t.Context(), ""); err != nil || time.Since(start) == 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
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

// leaving is a context that ends at a time, and whose Done comes later than all else
// that happens then.
type leaving struct {
	context.Context
	at time.Time
}

func (c leaving) Err() error {
	if time.Now().Before(c.at) {
		return nil
	}
	return context.Canceled
}

// The delay may be over in the moment in which the caller gives up.
func TestRetryDoneAtTheEndOfTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, calls := replies(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, RetryAfter: time.Second})
		_, err := lb.Retry(next)(leaving{t.Context(), time.Now().Add(time.Second)}, "")
		if *calls != 1 || !errors.Is(err, context.Canceled) || endpoint.CodeOf(err) != endpoint.Unavailable {
			t.Errorf("%d attempts, error %v", *calls, err)
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
