package ratelimit_test

import (
	"testing"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestAdmittingAllocatesNothing(t *testing.T) {
	var stats ratelimit.Stats
	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter { return rate.NewLimiter(1e9, 1e9) })
	ctx := call.With(t.Context(), call.Peer("192.0.2.1:5000"))
	limit := ratelimit.Limit(echo, rate.NewLimiter(1e9, 1e9), ratelimit.CountIn(&stats))
	wait := ratelimit.Wait(echo, rate.NewLimiter(1e9, 1e9))
	perKey := ratelimit.PerKey(echo, keyed)
	for _, tt := range []struct {
		name string
		call func()
	}{
		{"Limit", func() { _, _ = limit(ctx, "") }},
		{"Wait", func() { _, _ = wait(ctx, "") }},
		{"PerKey", func() { _, _ = perKey(ctx, "") }},
	} {
		if n := testing.AllocsPerRun(100, tt.call); n != 0 {
			t.Errorf("%s: %v allocations for an admitted call, want 0", tt.name, n)
		}
	}
}

func BenchmarkLimit(b *testing.B) {
	for _, bb := range []struct {
		name    string
		limiter ratelimit.Limiter
	}{{"admitted", rate.NewLimiter(rate.Inf, 0)}, {"refused", rate.NewLimiter(0, 0)}} {
		limited := ratelimit.Limit(echo, bb.limiter)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = limited(b.Context(), "")
			}
		})
	}
}

func BenchmarkWait(b *testing.B) {
	waiting := ratelimit.Wait(echo, rate.NewLimiter(rate.Inf, 0))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = waiting(b.Context(), "")
	}
}

func BenchmarkPerKey(b *testing.B) {
	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter { return rate.NewLimiter(rate.Inf, 0) })
	limited := ratelimit.PerKey(echo, keyed)
	ctxs := [...]string{"192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"}
	for _, peer := range ctxs {
		b.Run(peer, func(b *testing.B) {
			ctx := call.With(b.Context(), call.Peer(peer))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = limited(ctx, "")
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			ctx := call.With(b.Context(), call.Caller(call.NewRequestID()))
			for pb.Next() {
				_, _ = limited(ctx, "")
			}
		})
	})
}
