package metrics

import (
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"

	"github.com/dowelkit/dowel/endpoint"
)

// kind is a way to look at calls.
type kind struct {
	duration, durationText string
	active, activeText     string
	unit                   string // of those in flight
	isError                func(endpoint.Code) bool
}

var (
	server = &kind{
		duration:     semconv.ServerCallDuration{}.Name(),
		durationText: semconv.ServerCallDuration{}.Description(),
		active:       "dowel.server.active_calls",
		activeText:   "Number of incoming calls in flight.",
		unit:         "{call}",
		isError:      serverError,
	}
	client = &kind{
		duration:     semconv.ClientCallDuration{}.Name(),
		durationText: semconv.ClientCallDuration{}.Description(),
		active:       "dowel.client.active_calls",
		activeText:   "Number of outgoing calls in flight, waits between their attempts included.",
		unit:         "{call}",
		isError:      anyError,
	}
	attempt = &kind{
		duration:     "dowel.client.attempt.duration",
		durationText: "Measures the duration of one attempt at an outgoing call.",
		active:       "dowel.client.active_attempts",
		activeText:   "Number of attempts at outgoing calls in flight.",
		unit:         "{attempt}",
		isError:      anyError,
	}
)

// bounds are what the conventions recommend for the duration of calls, in seconds.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

func (k *kind) instruments(m metric.Meter) (metric.Float64Histogram, metric.Int64ObservableUpDownCounter, error, error) {
	duration, err1 := m.Float64Histogram(k.duration, metric.WithUnit("s"),
		metric.WithDescription(k.durationText), metric.WithExplicitBucketBoundaries(bounds...))
	active, err2 := m.Int64ObservableUpDownCounter(k.active, metric.WithUnit(k.unit),
		metric.WithDescription(k.activeText))
	return duration, active, err1, err2
}

// serverError is the conventions' rule for gRPC: the server is told of its own errors
// only, the client of every one.
func serverError(code endpoint.Code) bool {
	switch code {
	case endpoint.Unknown, endpoint.DeadlineExceeded, endpoint.Unimplemented, endpoint.Internal,
		endpoint.Unavailable, endpoint.DataLoss:
		return true
	}
	return false
}

func anyError(code endpoint.Code) bool { return code != endpoint.OK }
