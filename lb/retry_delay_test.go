package lb_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

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
