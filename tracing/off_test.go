package tracing_test

import (
	"context"
	"reflect"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/tracing"
)

func TestWithoutSpansTheEndpointIsAsItWas(t *testing.T) {
	down := sdk.NewTracerProvider()
	_ = down.Shutdown(t.Context())
	for _, tt := range []struct {
		name string
		opts []tracing.Option
	}{
		{"no provider", nil},
		{"no-op", []tracing.Option{tracing.Provider(noop.NewTracerProvider())}},
		{"shut down", []tracing.Option{tracing.Provider(down)}},
	} {
		for what, e := range map[string]endpoint.Endpoint[string, string]{
			"Server": tracing.Server(echo, "Echo", tt.opts...),
			"Client": tracing.Client(echo, "Echo", tt.opts...),
		} {
			if reflect.ValueOf(e).Pointer() != reflect.ValueOf(echo).Pointer() {
				t.Errorf("%s, %s: not the endpoint itself", tt.name, what)
			}
			ctx := t.Context()
			if n := testing.AllocsPerRun(100, func() { _, _ = e(ctx, "x") }); n != 0 {
				t.Errorf("%s, %s: %v allocations", tt.name, what, n)
			}
		}
	}
}

// never is a provider all of whose spans are sampled out.
func never() *sdk.TracerProvider {
	return sdk.NewTracerProvider(sdk.WithSampler(sdk.ParentBased(sdk.NeverSample())))
}

// What the provider allocates by itself is its own affair.
func TestAllocationsOfASampledOutSpan(t *testing.T) {
	tracer := never().Tracer("")
	alone := testing.AllocsPerRun(100, func() {
		_, s := tracer.Start(t.Context(), "Echo")
		s.End()
	})
	server := tracing.Server(echo, "Echo", tracing.Provider(never()))
	client := tracing.Client(echo, "Echo", tracing.Provider(never()))
	nested := tracing.Client(client, "Echo", tracing.Provider(never()))
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		more float64
		run  func()
	}{
		{"Server", alone, func() { _, _ = server(ctx, "x") }},
		{"Client", alone + 1, func() { _, _ = client(ctx, "x") }},                // the call with its injector
		{"Client round Client", 2*alone + 1, func() { _, _ = nested(ctx, "x") }}, // which is set once
	} {
		if n := testing.AllocsPerRun(100, tt.run); n > tt.more {
			t.Errorf("%s: %v allocations, want %v", tt.name, n, tt.more)
		}
	}
}

func BenchmarkSampledOut(b *testing.B) {
	provider := tracing.Provider(never())
	for name, e := range map[string]endpoint.Endpoint[string, string]{
		"Server": tracing.Server(echo, "Echo", provider), "Client": tracing.Client(echo, "Echo", provider),
	} {
		for from, ctx := range map[string]context.Context{
			"root": b.Context(), "remote": call.With(b.Context(), call.Value("traceparent", unsampled)),
		} {
			b.Run(name+"/"+from, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _ = e(ctx, "x")
				}
			})
		}
	}
	b.Run("the provider alone", func(b *testing.B) {
		tracer := never().Tracer("")
		b.ReportAllocs()
		for b.Loop() {
			_, s := tracer.Start(b.Context(), "Echo")
			s.End()
		}
	})
}

const (
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampled   = "00-" + traceID + "-00f067aa0ba902b7-01"
	unsampled = "00-" + traceID + "-00f067aa0ba902b7-00"
)
