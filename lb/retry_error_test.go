package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

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
