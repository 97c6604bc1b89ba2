package lb_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/lb"
)

func ExampleEject() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80") // the first refuses
	defer clients.Close()

	balancer := lb.New(clients, lb.Eject(lb.RoundRobin(), lb.EjectFaults(2),
		lb.OnEject(func(e lb.Ejection, out bool) { fmt.Println("out:", out, e.Instance.Addr, "for", e.Cause) })))
	greet := lb.Endpoint(balancer, (*Greeter).Greet)
	failed := 0
	for range 100 {
		if _, err := greet(ctx, "gopher"); err != nil {
			failed++
		}
	}
	fmt.Println(failed, "of 100 failed,", len(balancer.Ejected()), "instance is out")
	// Output:
	// out: true 10.0.0.1:80 for consecutive faults
	// 2 of 100 failed, 1 instance is out
}
