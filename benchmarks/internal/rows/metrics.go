package rows

import (
	"context"
	"fmt"
	"time"

	kit "github.com/go-kit/kit/endpoint"
	kitmetrics "github.com/go-kit/kit/metrics"
	kitprometheus "github.com/go-kit/kit/metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
)

// Meters compares metrics of calls with those of Go kit for Prometheus.
func Meters() measure.Group {
	return measure.Group{
		Name: "Metrics",
		Note: "A call with its duration in a histogram by method and outcome, clock included, over OpenTelemetry's SDK and " +
			"client_golang as they are. Ours counts the calls in flight too. Go kit's tutorial has a counter beside the histogram; " +
			"without it is what the histogram alone costs.",
		Contestants: []measure.Contestant{
			{Name: "dowel", Open: plainly(calls(Metered(sdk.NewManualReader())))},
			{Name: "Go kit's tutorial", Open: plainly(kitCalls(KitMetered(prometheus.NewRegistry(), true)))},
			{Name: "Go kit, a histogram", Open: plainly(kitCalls(KitMetered(prometheus.NewRegistry(), false)))},
			{Name: "no provider", Open: plainly(calls(metrics.Server(Greet, "greet")))},
			{Name: "the endpoint alone", Open: plainly(calls(Greet))},
		},
		Rows: []measure.Row{
			{What: "measured", Ours: "dowel", Peer: "Go kit's tutorial", Budget: measure.Budget{Nanos: 400, NoAllocs: true}},
			{What: "measured", Ours: "dowel", Peer: "Go kit, a histogram"},
			{
				What: "no provider", Ours: "no provider", Peer: "the endpoint alone",
				Budget: measure.Budget{Nanos: 8, NoAllocs: true}, // of which the call is some 3
			},
		},
	}
}

// Metered is [Greet] measured.
func Metered(r sdk.Reader) endpoint.Endpoint[Message, Message] {
	return metrics.Server(Greet, "greet", metrics.Provider(sdk.NewMeterProvider(sdk.WithReader(r))))
}

// KitMetered is [Metered] with Go kit, as its tutorial does it, or without the counter.
func KitMetered(r *prometheus.Registry, count bool) kit.Endpoint {
	labels := []string{"method", "error"}
	latencies := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "request_latency_seconds", Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
	}, labels)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "request_count"}, labels)
	r.MustRegister(latencies, requests)
	var latency kitmetrics.Histogram = kitprometheus.NewHistogram(latencies)
	var counter kitmetrics.Counter = kitprometheus.NewCounter(requests)
	return func(ctx context.Context, request any) (_ any, err error) {
		defer func(begin time.Time) {
			values := []string{"method", "greet", "error", fmt.Sprint(err != nil)}
			if count {
				counter.With(values...).Add(1)
			}
			latency.With(values...).Observe(time.Since(begin).Seconds())
		}(time.Now())
		return KitGreet(ctx, request)
	}
}
