package lb_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

// Replica is a client of one replica. The first call meets one that hangs.
type Replica struct {
	addr  string
	calls *atomic.Int32
}

func (r *Replica) Read(ctx context.Context, key string) (string, error) {
	if r.calls.Add(1) == 1 {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return "value of " + key, nil
}

func ExampleHedge() {
	ctx := context.Background()
	replicas, err := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:80"}, sd.Instance{Addr: "10.0.0.2:80"})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := new(atomic.Int32)
	clients := sd.NewEndpointer(replicas, func(_ context.Context, in *sd.Instance) (*Replica, error) {
		return &Replica{in.Addr, calls}, nil
	})
	defer clients.Close()
	if err := clients.Ready(ctx); err != nil {
		fmt.Println(err)
		return
	}

	// Retry and Hedge share what they may add to the load.
	budget := lb.NewBudget()
	read := lb.Endpoint(lb.New(clients, lb.RoundRobin()), (*Replica).Read)
	read = lb.Hedge(read, lb.HedgeAfter(10*time.Millisecond), lb.HedgeBudget(budget))
	read = lb.Retry(read, lb.Idempotent(), lb.RetryBudget(budget))

	ctx, record := call.Observe(ctx)
	value, err := read(ctx, "k")
	fmt.Println(value, err, endpoint.CodeOf(err))
	fmt.Println(record.Attempts(), "attempts")
	// Output:
	// value of k <nil> ok
	// 2 attempts
}
