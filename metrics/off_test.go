package metrics_test

import (
	"context"
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
)

func TestWithoutMetricsTheEndpointIsAsItWas(t *testing.T) {
	down := sdk.NewMeterProvider()
	_ = down.Shutdown(context.Background())
	for _, tt := range []struct {
		name string
		opts []metrics.Option
	}{
		{"no provider", nil},
		{"no-op", []metrics.Option{metrics.Provider(noop.NewMeterProvider())}},
		{"shut down", []metrics.Option{metrics.Provider(down)}},
	} {
		for what, e := range map[string]endpoint.Endpoint[string, string]{
			"Server": metrics.Server(echo, "Echo", tt.opts...), "Client": metrics.Client(echo, "Echo", tt.opts...),
			"Attempt": metrics.Attempt(echo, "Echo", tt.opts...),
		} {
			if reflect.ValueOf(e).Pointer() != reflect.ValueOf(echo).Pointer() {
				t.Errorf("%s, %s: not the endpoint itself", tt.name, what)
			}
		}
	}
}

// The SDK is the real one, with a reader, as in production.
func TestACallAllocatesNothing(t *testing.T) {
	m := newMeter(t)
	for name, e := range map[string]endpoint.Endpoint[string, string]{
		"Server":  metrics.Server(echo, "Echo", m.with),
		"Client":  metrics.Client(echo, "Echo", m.with),
		"Attempt": metrics.Attempt(echo, "Echo", m.with),
		"failing": metrics.Client(failing(&endpoint.Error{Code: endpoint.NotFound, Message: "no such order"}), "Echo", m.with),
	} {
		ctx := t.Context()
		if n := testing.AllocsPerRun(100, func() { _, _ = e(ctx, "x") }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
