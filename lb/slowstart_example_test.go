package lb_test

import (
	"context"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/lb"
)

func ExampleSlowStart() {
	ctx := context.Background()
	clients := greeters(ctx, "10.0.0.2:80", "10.0.0.3:80")
	defer clients.Close()

	// Whoever joins later takes a minute to its full share.
	strategy := lb.SlowStart(lb.Eject(lb.LeastRequest()), lb.SlowStartWindow(time.Minute))
	greet := lb.Endpoint(lb.New(clients, strategy), (*Greeter).Greet)
	fmt.Println(greet(ctx, "gopher"))
	// Output: hello gopher <nil>
}
