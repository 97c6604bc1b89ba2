package lb_test

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/lb"
)

func ExamplePeakEWMA() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	balancer := lb.New(clients, lb.PeakEWMA())
	greet := lb.Endpoint(balancer, (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}
