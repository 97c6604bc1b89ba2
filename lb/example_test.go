package lb_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

// Greeter is a client of one instance of a service.
type Greeter struct{ addr string }

func DialGreeter(_ context.Context, in *sd.Instance) (*Greeter, error) {
	return &Greeter{addr: in.Addr}, nil
}

func (g *Greeter) Greet(_ context.Context, name string) (string, error) {
	if g.addr == "10.0.0.1:80" {
		return "", &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	}
	return "hello " + name, nil
}

// greeters is what the examples discover.
func greeters(ctx context.Context, addrs ...string) *sd.Endpointer[*Greeter] {
	var list []sd.Instance
	for _, addr := range addrs {
		list = append(list, sd.Instance{Addr: addr})
	}
	instances, err := static.NewInstancer(list...)
	if err != nil {
		panic(err)
	}
	clients := sd.NewEndpointer(instances, DialGreeter)
	if err := clients.Ready(ctx); err != nil {
		panic(err)
	}
	return clients
}

func ExampleNew() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	balancer := lb.New(clients, lb.LeastRequest())
	greet := lb.Endpoint(balancer, (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}

func ExampleEndpoint() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.1:80")
	defer clients.Close()

	greet := lb.Endpoint(lb.New(clients, lb.Random()), (*Greeter).Greet)
	_, err := greet(ctx, "gopher")
	fmt.Println(err)
	// Output: unavailable (instance 10.0.0.1:80): unavailable
}

// A lease is for calls that are not an endpoint.
func ExampleBalancer_Pick() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80")
	defer clients.Close()
	balancer := lb.New(clients, lb.RoundRobin())

	lease, err := balancer.Pick(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := lease.Client().Greet(ctx, "gopher")
	lease.Done(ctx, err)
	fmt.Println(text, "from", lease.Instance().Addr)
	// Output: hello gopher from 10.0.0.2:80
}

func ExampleRetry() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.1:80", "10.0.0.2:80") // the first refuses
	defer clients.Close()

	greet := lb.Endpoint(lb.New(clients, lb.RoundRobin()), (*Greeter).Greet)
	greet = lb.Retry(greet, lb.MaxAttempts(2), lb.AttemptTimeout(time.Second))
	for range 2 {
		fmt.Println(greet(ctx, "gopher"))
	}
	// Output:
	// hello gopher <nil>
	// hello gopher <nil>
}

func ExampleNewBudget() {
	// All endpoints of one service share what retries may add to its load.
	budget := lb.NewBudget(lb.BudgetRatio(0.1), lb.BudgetRate(1), lb.BudgetBurst(1))
	fail := func(context.Context, string) (string, error) {
		return "", &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	}
	call := lb.Retry(fail, lb.MaxAttempts(10), lb.RetryBudget(budget))
	_, err := call(context.Background(), "")
	fmt.Println(errors.Is(err, lb.ErrBudget), endpoint.CodeOf(err))
	// Output: true unavailable
}

// sticky is a strategy of one's own: it always prefers the first instance by ID.
type sticky struct{}

func (sticky) Picker([]*sd.Node, lb.Picker) lb.Picker          { return sticky{} }
func (sticky) Pick(ctx context.Context, now time.Duration) int { return 0 }

func ExampleStrategy() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.3:80", "10.0.0.1:80", "10.0.0.2:80")
	defer clients.Close()

	// What Retry has tried is avoided, although sticky knows nothing of retries.
	greet := lb.Retry(lb.Endpoint(lb.New(clients, sticky{}), (*Greeter).Greet))
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}

func ExampleRandom() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	greet := lb.Endpoint(lb.New(clients, lb.Random()), (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}

func ExampleRoundRobin() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	greet := lb.Endpoint(lb.New(clients, lb.RoundRobin()), (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}

func ExampleLeastRequest() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	greet := lb.Endpoint(lb.New(clients, lb.LeastRequest()), (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}

// slowStart is a picker that knows since when it has known each node.
type slowStart struct {
	nodes []*sd.Node
	since []time.Time
}

func ExampleCarry() {
	now := func(*sd.Node) time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }
	a := sd.NewNode(&sd.Instance{ID: "a", Addr: "10.0.0.1:80"})
	b := sd.NewNode(&sd.Instance{ID: "b", Addr: "10.0.0.2:80"})
	prev := slowStart{nodes: []*sd.Node{a}, since: make([]time.Time, 1)}

	// b joins: what is known of a stays.
	next := slowStart{nodes: []*sd.Node{a, b}}
	next.since = lb.Carry(next.nodes, prev.nodes, prev.since, now)
	fmt.Println(next.since[0].Year(), next.since[1].Year())
	// Output: 1 2026
}
