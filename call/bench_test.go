package call_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
)

var traced = http.Header{
	"X-Request-Id": {"4bf92f3577b34da6a3ce929d0e0e4736"},
	"Traceparent":  {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	"X-Tenant":     {"acme"},
}

func BenchmarkExtract(b *testing.B) {
	ctx := b.Context()
	p := call.NewPropagator("X-Tenant")
	timed := traced.Clone()
	timed.Set(call.TimeoutKey, "1500")
	for name, in := range map[string]http.Header{"empty": {}, "traced": traced, "traced+deadline": timed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, cancel := p.Extract(ctx, header(in))
				cancel()
			}
		})
	}
}

func BenchmarkInject(b *testing.B) {
	p := call.NewPropagator("X-Tenant")
	ctx, _ := p.Extract(b.Context(), header(traced))
	timed, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	for name, ctx := range map[string]context.Context{"empty": b.Context(), "traced": ctx, "traced+deadline": timed} {
		b.Run(name, func(b *testing.B) {
			out := make(http.Header, 8)
			b.ReportAllocs()
			for b.Loop() {
				clear(out)
				p.Inject(ctx, header(out))
			}
		})
	}
}

func BenchmarkWith(b *testing.B) {
	ctx := call.With(b.Context(), call.RequestID("r1"))
	b.ReportAllocs()
	for b.Loop() {
		call.With(ctx, call.Attempt(2, nil), call.Key("user-7"))
	}
}

func BenchmarkFrom(b *testing.B) {
	ctx, cancel := context.WithCancel(call.With(b.Context(), call.RequestID("r1")))
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		_ = call.From(ctx).RequestID()
	}
}

func BenchmarkValue(b *testing.B) {
	c := call.From(call.With(b.Context(), call.Value("X-Tenant", "acme"), call.Value("X-Region", "eu")))
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Value("X-Tenant")
	}
}

func BenchmarkNewRequestID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = call.NewRequestID()
	}
}
