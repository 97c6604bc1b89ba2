package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

type service struct{}

func (service) Uppercase(_ context.Context, s string) (string, error) {
	return strings.ToUpper(s), nil
}

func (service) Count(_ context.Context, s string) (int, error) { return len(s), nil }

var (
	svc service
	ctx = context.Background()
)

func ExampleLimit() {
	uppercase := ratelimit.Limit(svc.Uppercase, rate.NewLimiter(rate.Every(time.Minute), 2))
	for _, word := range []string{"one", "two", "three"} {
		answer, err := uppercase(ctx, word)
		fmt.Printf("%q %v %v\n", answer, endpoint.CodeOf(err), endpoint.RetryAfter(err).Round(time.Second))
	}
	// Output:
	// "ONE" ok 0s
	// "TWO" ok 0s
	// "" resource_exhausted 1m0s
}

func ExampleWait() {
	uppercase := ratelimit.Wait(svc.Uppercase, rate.NewLimiter(rate.Every(time.Minute), 1))
	hurried, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, word := range []string{"one", "two"} {
		answer, err := uppercase(hurried, word) // the second would wait for a minute
		fmt.Printf("%q %v\n", answer, errors.Is(err, ratelimit.ErrLimited))
	}
	// Output:
	// "ONE" false
	// "" true
}

// Endpoints that share a limiter share a Queue.
func ExampleNewQueue() {
	line := ratelimit.NewQueue(rate.NewLimiter(100, 1), ratelimit.MaxWaiting(1000))
	uppercase := ratelimit.Wait(svc.Uppercase, line)
	count := ratelimit.Wait(svc.Count, line)

	fmt.Println(uppercase(ctx, "one"))
	fmt.Println(count(ctx, "one"))
	// Output:
	// ONE <nil>
	// 3 <nil>
}

func ExamplePerKey() {
	callers := ratelimit.NewKeyed(func(string) ratelimit.Limiter {
		return rate.NewLimiter(rate.Every(time.Hour), 1)
	}, ratelimit.MaxKeys(50_000))
	uppercase := ratelimit.PerKey(svc.Uppercase, callers)
	for _, caller := range []string{"ann", "ann", "bob"} {
		answer, err := uppercase(call.With(ctx, call.Caller(caller)), "hello")
		fmt.Printf("%s: %q %v\n", caller, answer, endpoint.CodeOf(err))
	}
	// Output:
	// ann: "HELLO" ok
	// ann: "" resource_exhausted
	// bob: "HELLO" ok
}

// The limiter may depend on the key.
func ExampleNewKeyed() {
	tenants := ratelimit.NewKeyed(func(tenant string) ratelimit.Limiter {
		if tenant == "gold" {
			return rate.NewLimiter(1000, 100)
		}
		return rate.NewLimiter(1, 1)
	}, ratelimit.KeyFunc(func(ctx context.Context) string {
		return call.From(ctx).Value("x-tenant")
	}))
	count := ratelimit.PerKey(svc.Count, tenants)

	gold := call.With(ctx, call.Value("X-Tenant", "gold"))
	for range 3 {
		fmt.Println(count(gold, "hello"))
	}
	// Output:
	// 5 <nil>
	// 5 <nil>
	// 5 <nil>
}

func ExampleNewKeyedQueue() {
	callers := ratelimit.NewKeyedQueue(func(string) ratelimit.Waiter {
		return rate.NewLimiter(1000, 1)
	})
	uppercase := ratelimit.PerKey(svc.Uppercase, callers)
	for range 2 {
		fmt.Println(uppercase(call.With(ctx, call.Caller("ann")), "patience"))
	}
	// Output:
	// PATIENCE <nil>
	// PATIENCE <nil>
}

func ExampleCountIn() {
	var stats ratelimit.Stats
	uppercase := ratelimit.Limit(svc.Uppercase, rate.NewLimiter(1, 1), ratelimit.CountIn(&stats))
	for range 3 {
		_, _ = uppercase(ctx, "hello")
	}
	fmt.Println(stats.Admitted(), "admitted,", stats.Refused(), "refused")
	// Output:
	// 1 admitted, 2 refused
}

func ExampleCallerKey() {
	for _, opt := range []call.Option{call.Caller("ann"), call.Peer("192.0.2.1:5000"), call.Peer("[2001:db8::7]:5000"), call.Caller("192.0.2.1")} {
		fmt.Println(ratelimit.CallerKey(call.With(context.Background(), opt)))
	}
	// Output:
	// ann
	// 192.0.2.1
	// 2001:db8::/64
	// caller 192.0.2.1
}
