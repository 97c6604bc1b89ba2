package metrics_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/time/rate"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/ratelimit"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/static"
)

func ExampleBalancer() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	instances, _ := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:80"})
	clients := sd.NewEndpointer(instances, func(context.Context, *sd.Instance) (string, error) { return "a client", nil })
	defer clients.Close()
	_ = clients.Ready(context.Background())
	balancer := lb.New(clients, lb.LeastRequest())

	metrics.Balancer(balancer, "payments", with)
	lease, _ := balancer.Pick(context.Background())
	defer lease.Done(context.Background(), nil)

	printValues(reader, "dowel.balancer.picks", "dowel.balancer.instance.active_calls")
	// Output:
	// dowel.balancer.instance.active_calls, dowel.instance=10.0.0.1:80, dowel.name=payments: 1
	// dowel.balancer.picks, dowel.name=payments: 1
}

func ExampleEndpointer() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	instances, _ := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:80"}, sd.Instance{Addr: "10.0.0.2:80"})
	clients := sd.NewEndpointer(instances, func(context.Context, *sd.Instance) (string, error) { return "a client", nil })
	defer clients.Close()
	_ = clients.Ready(context.Background())

	metrics.Endpointer(clients, "payments", with)
	printValues(reader, "dowel.registry.instances", "dowel.registry.live_instances", "dowel.registry.failing_watches")
	// Output:
	// dowel.registry.failing_watches, dowel.name=payments: 0
	// dowel.registry.instances, dowel.name=payments: 2
	// dowel.registry.live_instances, dowel.name=payments: 2
}

func ExampleRegistration() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	registrar := memory.NewRegistry().Registrar("orders")
	registration, _ := registrar.Register(context.Background(), sd.Instance{Addr: "10.0.0.1:80"})
	defer registration.Deregister(context.Background())

	metrics.Registration(registration, "orders", with)
	printValues(reader, "dowel.registration.registered_instances")
	// Output:
	// dowel.registration.registered_instances, dowel.name=orders: 1
}

func ExampleRetries() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	var attempts lb.Attempts
	charge := lb.Retry(func(context.Context, int) (string, error) {
		return "", &endpoint.Error{Code: endpoint.InvalidArgument, Message: "no amount"}
	}, lb.RetryCountIn(&attempts))

	metrics.Retries(&attempts, "payments", with)
	_, _ = charge(context.Background(), 0)
	printValues(reader, "dowel.retry.attempts", "dowel.retry.stopped_calls")
	// Output:
	// dowel.retry.attempts, dowel.name=payments: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=attempts: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=budget: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=context: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=final: 1
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=marked: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=no_time: 0
	// dowel.retry.stopped_calls, dowel.name=payments, dowel.reason=retry_after: 0
}

func ExampleBudget() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	budget := lb.NewBudget(lb.BudgetRate(0), lb.BudgetBurst(50)) // for lb.RetryBudget and lb.HedgeBudget
	metrics.Budget(budget, "payments", with)
	printValues(reader, "dowel.retry.budget.balance")
	// Output:
	// dowel.retry.budget.balance, dowel.name=payments: 50
}

// Each instance has a breaker. All have one name, and leave with their instances.
func ExampleCircuit() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	dial := func(ctx context.Context, in *sd.Instance) (endpoint.Endpoint[string, string], error) {
		circuit := circuitbreaker.New(in.Addr)
		metrics.Circuit(circuit, "payments", with, metrics.Until(ctx))
		return circuitbreaker.Break(echo, circuit), nil
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	_, _ = dial(ctx, &sd.Instance{Addr: "10.0.0.1:80"})
	_, _ = dial(ctx, &sd.Instance{Addr: "10.0.0.2:80"})

	printValues(reader, "dowel.breaker.circuits")
	// Output:
	// dowel.breaker.circuits, dowel.name=payments, dowel.state=closed: 2
	// dowel.breaker.circuits, dowel.name=payments, dowel.state=forced_closed: 0
	// dowel.breaker.circuits, dowel.name=payments, dowel.state=forced_open: 0
	// dowel.breaker.circuits, dowel.name=payments, dowel.state=half_open: 0
	// dowel.breaker.circuits, dowel.name=payments, dowel.state=open: 0
}

func ExampleThrottler() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	throttler := circuitbreaker.NewThrottler("payments")
	metrics.Throttler(throttler, "payments", with)
	throttler.Force(circuitbreaker.ForceOpen)
	printValues(reader, "dowel.throttle.probability")
	// Output:
	// dowel.throttle.probability, dowel.name=payments: 1
}

func ExampleLimiter() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	var stats ratelimit.Stats
	place := ratelimit.Limit(echo, rate.NewLimiter(1, 1), ratelimit.CountIn(&stats))
	metrics.Limiter(&stats, "orders", with)
	_, _ = place(context.Background(), "tea")
	_, _ = place(context.Background(), "milk")
	printValues(reader, "dowel.limiter.calls")
	// Output:
	// dowel.limiter.calls, dowel.decision=admitted, dowel.name=orders: 1
	// dowel.limiter.calls, dowel.decision=canceled, dowel.name=orders: 0
	// dowel.limiter.calls, dowel.decision=refused, dowel.name=orders: 1
}

func ExampleQueue() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	queue := ratelimit.NewQueue(rate.NewLimiter(100, 10)) // for ratelimit.Wait
	metrics.Queue(queue, "orders", with)
	printValues(reader, "dowel.limiter.waiting_calls")
	// Output:
	// dowel.limiter.waiting_calls, dowel.name=orders: 0
}

func ExampleKeyed() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter { return rate.NewLimiter(10, 10) })
	place := ratelimit.PerKey(echo, keyed)
	metrics.Keyed(keyed, "orders", with)
	_, _ = place(context.Background(), "tea")
	printValues(reader, "dowel.limiter.keys")
	// Output:
	// dowel.limiter.keys, dowel.name=orders: 1
}

func ExampleConcurrency() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	limit := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(20)) // for ratelimit.Adaptive
	metrics.Concurrency(limit, "orders", with)
	printValues(reader, "dowel.concurrency.limit", "dowel.concurrency.active_calls")
	// Output:
	// dowel.concurrency.active_calls, dowel.name=orders: 0
	// dowel.concurrency.limit, dowel.name=orders: 20
}

// printValues prints the series of some metrics.
func printValues(reader sdk.Reader, names ...string) {
	var found metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &found); err != nil {
		fmt.Println(err)
		return
	}
	values := map[string]any{}
	for _, m := range found.ScopeMetrics[0].Metrics {
		if !slices.Contains(names, m.Name) {
			continue
		}
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				values[line(m.Name, p.Attributes)] = p.Value
			}
		case metricdata.Sum[float64]:
			for _, p := range data.DataPoints {
				values[line(m.Name, p.Attributes)] = p.Value
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				values[line(m.Name, p.Attributes)] = p.Value
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Printf("%s: %v\n", name, values[name])
	}
}

func line(name string, attrs attribute.Set) string {
	parts := []string{name}
	for _, a := range attrs.ToSlice() {
		parts = append(parts, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
	}
	return strings.Join(parts, ", ")
}
