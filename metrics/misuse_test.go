package metrics_test

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
)

func TestMisusePanicsWithAllFaults(t *testing.T) {
	var nobody context.Context
	var none endpoint.Endpoint[string, string]
	wrong := []metrics.Option{nil, metrics.Provider(nil), metrics.Attributes(attribute.String("", "nameless"))}
	faults := "next is nil; the name is empty; option 1 is nil; the provider is nil; the attribute \"\" is not valid"
	for _, tt := range []struct {
		want string
		run  func()
	}{
		{"metrics: Server: " + faults, func() { metrics.Server(none, "", wrong...) }},
		{"metrics: Client: " + faults, func() { metrics.Client(none, "", wrong...) }},
		{"metrics: Attempt: " + faults, func() { metrics.Attempt(none, "", wrong...) }},
		{
			"metrics: Server: Until and Instances are for parts",
			func() { metrics.Server(echo, "Echo", metrics.Until(t.Context()), metrics.Instances(1)) },
		},
		{
			"metrics: Balancer: the balancer is nil; the name is empty; option 1 is nil; the context is nil; " +
				"the number of instances must not be negative: -1",
			func() { metrics.Balancer[string](nil, "", nil, metrics.Until(nobody), metrics.Instances(-1)) },
		},
		{
			"metrics: Endpointer: the endpointer is nil; the name is empty; Instances is for Balancer",
			func() { metrics.Endpointer[string](nil, "", metrics.Instances(1)) },
		},
		{"metrics: Registration: the registration is nil", func() { metrics.Registration(nil, "orders") }},
		{"metrics: Retries: the count of attempts is nil", func() { metrics.Retries(nil, "orders") }},
		{"metrics: Budget: the budget is nil", func() { metrics.Budget(nil, "orders") }},
		{"metrics: Circuit: the circuit is nil", func() { metrics.Circuit(nil, "orders") }},
		{"metrics: Throttler: the throttler is nil", func() { metrics.Throttler(nil, "orders") }},
		{"metrics: Limiter: the count of calls is nil", func() { metrics.Limiter(nil, "orders") }},
		{"metrics: Queue: the queue is nil", func() { metrics.Queue(nil, "orders") }},
		{"metrics: Keyed: the set of limiters is nil", func() { metrics.Keyed(nil, "orders") }},
		{"metrics: Concurrency: the limit is nil", func() { metrics.Concurrency(nil, "orders") }},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != tt.want {
					t.Errorf("panic\n%s\nwant\n%s", got, tt.want)
				}
			}()
			tt.run()
		}()
	}
}
