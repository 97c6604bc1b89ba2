package ratelimit_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/ratelimit"
)

func ExampleAdaptive() {
	limit := ratelimit.NewConcurrency() // one for all endpoints of the server
	uppercase := ratelimit.Adaptive(svc.Uppercase, limit)
	count := ratelimit.Adaptive(svc.Count, limit)

	fmt.Println(uppercase(ctx, "one"))
	fmt.Println(count(ctx, "one"))
	fmt.Println(limit.InFlight(), "in flight of at most", limit.Limit())
	// Output:
	// ONE <nil>
	// 3 <nil>
	// 0 in flight of at most 20
}

// While calls fill half of the limit, one that may be shed is.
func ExampleNewConcurrency() {
	limit := ratelimit.NewConcurrency(
		ratelimit.ConcurrencyStart(2),
		ratelimit.ConcurrencyBounds(2, 500),
	)
	uppercase := ratelimit.Adaptive(svc.Uppercase, limit)
	report := ratelimit.Adaptive(func(ctx context.Context, s string) (string, error) {
		for _, p := range []call.Criticality{call.Critical, call.Sheddable} {
			_, err := uppercase(call.With(ctx, call.Priority(p)), s)
			fmt.Printf("%v: %v\n", p, endpoint.CodeOf(err))
		}
		return "done", nil
	}, limit)

	fmt.Println(report(ctx, "one"))
	fmt.Println(limit.Refused(call.Sheddable), "refused")
	// Output:
	// critical: ok
	// sheddable: resource_exhausted
	// done <nil>
	// 1 refused
}
