package ratelimit_test

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestMisuse(t *testing.T) {
	var nothing endpoint.Endpoint[string, string]
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{
			"Limit", func() { ratelimit.Limit(nothing, nil, nil, ratelimit.CountIn(nil)) },
			"ratelimit: Limit: next is nil; the limiter is nil; an option is nil; the stats are nil",
		},
		{
			"Wait", func() { ratelimit.Wait(nothing, nil, nil) },
			"ratelimit: Wait: next is nil; the limiter is nil; an option is nil",
		},
		{
			"PerKey", func() { ratelimit.PerKey(nothing, nil, nil) },
			"ratelimit: PerKey: next is nil; the limiter is nil; an option is nil",
		},
		{
			"NewQueue", func() { ratelimit.NewQueue(nil, nil, ratelimit.MaxWaiting(0)) },
			"ratelimit: NewQueue: the limiter is nil; an option is nil; the number of waiting callers must be positive, not 0",
		},
		{
			"NewKeyed", func() {
				ratelimit.NewKeyed(nil, nil, ratelimit.MaxKeys(-1), ratelimit.IdleExpiry(0), ratelimit.KeyFunc(nil))
			},
			"ratelimit: NewKeyed: the function for limiters is nil; an option is nil; " +
				"the number of keys must be positive, not -1; the idle expiry must be positive, not 0s; the key function is nil",
		},
		{
			"NewKeyedQueue", func() { ratelimit.NewKeyedQueue(nil) },
			"ratelimit: NewKeyedQueue: the function for limiters is nil",
		},
		{
			"Limit by a nil pointer", func() { ratelimit.Limit(echo, (*rate.Limiter)(nil)) },
			"ratelimit: Limit: the limiter is nil",
		},
		{
			"Wait for a nil pointer", func() { ratelimit.Wait(echo, (*rate.Limiter)(nil)) },
			"ratelimit: Wait: the limiter is nil",
		},
		{
			"Wait in a line that is a nil pointer", func() { ratelimit.Wait(echo, (*ratelimit.Queue)(nil)) },
			"ratelimit: Wait: the limiter is nil",
		},
		{
			"NewQueue for a nil pointer", func() { ratelimit.NewQueue((*rate.Limiter)(nil)) },
			"ratelimit: NewQueue: the limiter is nil",
		},
		{
			"a nil pointer for a key", func() {
				keyed := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter { return (*rate.Limiter)(nil) })
				_, _ = ratelimit.PerKey(echo, keyed)(context.Background(), "")
			},
			`ratelimit: NewKeyedQueue: the limiter of the key "" is nil`,
		},
		{
			"no limiter for a key", func() {
				keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter { return nil })
				_, _ = ratelimit.PerKey(echo, keyed)(context.Background(), "")
			},
			`ratelimit: NewKeyed: the limiter of the key "" is nil`,
		},
		{
			"no waiter for a key", func() {
				keyed := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter { return nil })
				_, _ = ratelimit.PerKey(echo, keyed)(context.Background(), "")
			},
			`ratelimit: NewKeyedQueue: the limiter of the key "" is nil`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); got != tt.want {
					t.Errorf("panic: %s\nwant:  %s", got, tt.want)
				}
			}()
			tt.do()
		})
	}
}

// A limiter that panics leaves nothing locked.
func TestPanickingLimiter(t *testing.T) {
	first := true
	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter {
		if first {
			first = false
			panic("no limiter")
		}
		return rate.NewLimiter(1, 1)
	})
	limited := ratelimit.PerKey(echo, keyed)
	func() {
		defer func() { _ = recover() }()
		_, _ = limited(t.Context(), "")
	}()
	if _, err := limited(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
