package metrics_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
)

func ExampleServer() {
	reader := sdk.NewManualReader() // or that of an exporter
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	place := metrics.Server(func(_ context.Context, item string) (string, error) {
		if item == "gold" {
			return "", &endpoint.Error{Code: endpoint.NotFound, Message: "no such item"}
		}
		return "placed " + item, nil
	}, "orders/Place", with)

	_, _ = place(context.Background(), "tea")
	_, _ = place(context.Background(), "milk")
	_, _ = place(context.Background(), "gold")
	printCounts(reader)
	// Output:
	// rpc.server.call.duration, NOT_FOUND: 1
	// rpc.server.call.duration, OK: 2
}

// One call, of which the first attempt failed.
func ExampleClient() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	attempts := 0
	charge := metrics.Attempt(func(_ context.Context, cents int) (string, error) {
		if attempts++; attempts == 1 {
			return "", &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
		}
		return fmt.Sprintf("charged %d", cents), nil
	}, "payments/Charge", with)
	charge = lb.Retry(charge)
	charge = metrics.Client(charge, "payments/Charge", with)

	fmt.Println(charge(context.Background(), 250))
	printCounts(reader)
	// Output:
	// charged 250 <nil>
	// dowel.client.attempt.duration, OK: 1
	// dowel.client.attempt.duration, UNAVAILABLE: 1
	// rpc.client.call.duration, OK: 1
}

func ExampleAttempt() {
	reader := sdk.NewManualReader()
	with := metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(reader)))

	charge := metrics.Attempt(func(_ context.Context, cents int) (string, error) {
		return fmt.Sprintf("charged %d", cents), nil
	}, "payments/Charge", with, metrics.Attributes(attribute.String("zone", "north")))

	fmt.Println(charge(context.Background(), 250))
	printCounts(reader)
	// Output:
	// charged 250 <nil>
	// dowel.client.attempt.duration, OK: 1
}

// printCounts prints how many calls each histogram has, by code.
func printCounts(reader sdk.Reader) {
	var found metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &found); err != nil {
		fmt.Println(err)
		return
	}
	counts := map[string]uint64{}
	for _, m := range found.ScopeMetrics[0].Metrics {
		if data, ok := m.Data.(metricdata.Histogram[float64]); ok {
			for _, p := range data.DataPoints {
				code, _ := p.Attributes.Value("rpc.response.status_code")
				counts[m.Name+", "+code.AsString()] = p.Count
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf("%s: %d\n", name, counts[name])
	}
}
