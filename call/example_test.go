package call_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/dowelkit/dowel/call"
)

// A client attaches what it knows; whatever runs below reads it from the context.
func Example() {
	ctx := call.With(context.Background(),
		call.RequestID("r-1"),
		call.Key("user-7"), // calls of one user go to one instance
		call.Priority(call.Sheddable),
	)
	c := call.From(ctx)
	fmt.Println(c.RequestID(), c.Key(), c.Priority())
	// Output: r-1 user-7 sheddable
}

// With makes a changed copy: the call of the first context stays as it is.
func ExampleWith() {
	first := call.With(context.Background(), call.RequestID("r-1"), call.Value("X-Tenant", "acme"))
	second := call.With(first, call.Attempt(2, []string{"10.0.0.1:80"}))

	fmt.Println(call.From(first).Attempt(), call.From(first).Value("x-tenant"))
	fmt.Println(call.From(second).Attempt(), call.From(second).Value("x-tenant"))
	fmt.Println("avoid 10.0.0.1:80:", call.From(second).Avoided("10.0.0.1:80"))
	// Output:
	// 1 acme
	// 2 acme
	// avoid 10.0.0.1:80: true
}

// A context without a call has an empty one: nothing has to be checked.
func ExampleFrom() {
	c := call.From(context.Background())
	fmt.Printf("%q %v, attempt %d\n", c.RequestID(), c.Priority(), c.Attempt())
	// Output: "" critical, attempt 1
}

func ExampleValue() {
	ctx := call.With(context.Background(), call.Value("X-Tenant", "acme"), call.Value("X-Region", "eu"))
	for key, value := range call.From(ctx).Values() {
		fmt.Println(key, value)
	}
	// Output:
	// x-region eu
	// x-tenant acme
}

// Two services on the two sides of a wire. The server keeps of the user's own
// keys those that it allows.
func ExampleNewPropagator() {
	client, server := call.NewPropagator(), call.NewPropagator("X-Tenant")

	ctx := call.With(context.Background(),
		call.RequestID("r-1"), call.Value("X-Tenant", "acme"), call.Value("X-Admin", "true"))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	wire := header(http.Header{}) // a Carrier: Get, Set and Keys
	client.Inject(ctx, wire)

	ctx, release := server.Extract(context.Background(), wire, call.Peer("10.0.0.9:5000"))
	defer release()
	c := call.From(ctx)
	_, hasDeadline := ctx.Deadline()
	fmt.Printf("%s from %s, tenant %q, admin %q\n", c.RequestID(), c.Peer(), c.Value("X-Tenant"), c.Value("X-Admin"))
	fmt.Println("the deadline came along:", hasDeadline)
	// Output:
	// r-1 from 10.0.0.9:5000, tenant "acme", admin ""
	// the deadline came along: true
}

// A logger observes a call to learn which instance served it, after how many
// attempts. A balancer notes each of them.
func ExampleObserve() {
	ctx, record := call.Observe(context.Background())

	ids, addrs := []string{"a", "b"}, []string{"10.0.0.1:80", "10.0.0.2:80"}
	for i := range ids { // a balancer and its retries
		call.From(ctx).Asked(&ids[i], &addrs[i])
	}
	fmt.Println(record.Attempts(), record.Instance(), record.Address())
	// Output: 2 b 10.0.0.2:80
}

func ExampleParseCriticality() {
	fmt.Println(call.ParseCriticality("sheddable_plus"))
	fmt.Println(call.ParseCriticality("urgent"))
	// Output:
	// sheddable_plus <nil>
	// critical call: no criticality is named "urgent"
}

func ExampleNewRequestID() {
	one, other := call.NewRequestID(), call.NewRequestID()
	fmt.Println(len(one), one != other)
	// Output: 32 true
}
