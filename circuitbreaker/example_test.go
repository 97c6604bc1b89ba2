package circuitbreaker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
)

type client struct{}

func (client) Uppercase(_ context.Context, s string) (string, error) {
	if s == "" {
		return "", &endpoint.Error{Code: endpoint.Internal, Err: errors.New("disk full")}
	}
	return strings.ToUpper(s), nil
}

var (
	instance client
	ctx      = context.Background()
)

func ExampleBreak() {
	breaker := circuitbreaker.New("10.0.0.7:8080", circuitbreaker.TripAfter(2))
	uppercase := circuitbreaker.Break(instance.Uppercase, breaker)
	for _, word := range []string{"one", "", "", "two"} {
		answer, err := uppercase(ctx, word)
		fmt.Printf("%q %v, refused %t\n", answer, endpoint.CodeOf(err), errors.Is(err, circuitbreaker.ErrOpen))
	}
	// Output:
	// "ONE" ok, refused false
	// "" internal, refused false
	// "" internal, refused false
	// "" unavailable, refused true
}

func ExampleNew() {
	breaker := circuitbreaker.New("10.0.0.7:8080",
		circuitbreaker.TripRatio(0.5, 2),
		circuitbreaker.OpenFor(30*time.Second),
		circuitbreaker.OnChange(func(c circuitbreaker.Change) {
			fmt.Printf("%s: %v, then %v\n", c.Name, c.From, c.To)
		}))
	uppercase := circuitbreaker.Break(instance.Uppercase, breaker)
	_, _ = uppercase(ctx, "one")
	_, _ = uppercase(ctx, "")
	fmt.Println(breaker.State(), breaker.RetryAfter().Round(time.Second))
	// Output:
	// 10.0.0.7:8080: closed, then open
	// open 30s
}

// A breaker of the user's own needs IsExcluded, and calls that end within its Interval.
func ExampleIsExcluded() {
	breaker := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:         "10.0.0.7:8080",
		Interval:     time.Minute,
		BucketPeriod: 6 * time.Second,
		IsExcluded:   circuitbreaker.IsExcluded,
	})
	uppercase := endpoint.Timeout(instance.Uppercase, 10*time.Second)
	uppercase = circuitbreaker.Break(uppercase, breaker)
	fmt.Println(uppercase(ctx, "one"))
	fmt.Println(breaker.Counts().TotalSuccesses)
	// Output:
	// ONE <nil>
	// 1
}

func ExampleVerdict() {
	breaker := circuitbreaker.New("10.0.0.7:8080")
	done, err := breaker.Allow()
	if err != nil {
		return
	}
	_, err = instance.Uppercase(ctx, "")
	done(circuitbreaker.Verdict(ctx, err))
	fmt.Println(breaker.Counts().Failures)
	// Output:
	// 1
}

func ExampleFailureFunc() {
	breaker := circuitbreaker.New("10.0.0.7:8080", circuitbreaker.TripAfter(1))
	uppercase := circuitbreaker.Break(instance.Uppercase, breaker,
		circuitbreaker.FailureFunc(func(_ context.Context, err error) bool {
			return endpoint.CodeOf(err) == endpoint.Unavailable
		}))
	_, _ = uppercase(ctx, "") // Internal
	fmt.Println(breaker.State())
	// Output:
	// closed
}
