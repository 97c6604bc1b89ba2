package log_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/dowelkit/dowel/log"
)

func BenchmarkCalls(b *testing.B) {
	ctx := incoming(b.Context())
	for _, level := range []slog.Level{slog.LevelError + 1, slog.LevelWarn, slog.LevelInfo} {
		b.Run(level.String(), func(b *testing.B) {
			e := callsAt(level)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = e(ctx, 1)
			}
		})
	}
}

func BenchmarkHandler(b *testing.B) {
	ctx := incoming(b.Context())
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.Int("a", 1), slog.String("b", "c"))
	bare := handlerAt(slog.LevelInfo)
	for _, bb := range []struct {
		name string
		h    slog.Handler
	}{
		{"bare, same attributes", bare.WithAttrs([]slog.Attr{
			slog.String("request_id", "r-1"), slog.String("correlation_id", "c-1")})},
		{"call", log.NewHandler(bare)},
		{"call and adder", log.NewHandler(bare, tenant)},
		{"bare, in a group", bare.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})},
		{"call, in a group", log.NewHandler(bare).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = bb.h.Handle(ctx, r)
			}
		})
	}
}
