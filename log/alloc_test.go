package log_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

func idle(context.Context, int) (int, error) { return 1, nil }

func handlerAt(level slog.Level) slog.Handler {
	return slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: level})
}

func callsAt(level slog.Level) endpoint.Endpoint[int, int] {
	return log.Calls(idle, log.New(handlerAt(level)), "idle")
}

func TestAllocations(t *testing.T) {
	ctx := incoming(t.Context())
	plain := log.NewHandler(handlerAt(slog.LevelInfo))
	adding := log.NewHandler(handlerAt(slog.LevelInfo), tenant)
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.Int("a", 1), slog.String("b", "c"))
	call := func(e endpoint.Endpoint[int, int]) func() {
		return func() { _, _ = e(ctx, 1) }
	}
	for _, tt := range []struct {
		name string
		most float64
		pool bool
		run  func()
	}{
		{"Calls, silent", 0, false, call(callsAt(slog.LevelError + 1))},
		{"Calls, discarded", 0, false, call(log.Calls(idle, slog.New(slog.DiscardHandler), "idle",
			log.Levels(log.LevelOf)))},
		{"Calls, below the level", 2, false, call(callsAt(slog.LevelWarn))}, // call.Observe's
		{"Calls, logged", 3, true, call(callsAt(slog.LevelInfo))},           // and room for the sixth attribute
		{"Handle", 0, true, func() { _ = plain.Handle(ctx, r) }},
		{"Handle, adders", 0, true, func() { _ = adding.Handle(ctx, r) }},
	} {
		if tt.pool && underRace {
			continue
		}
		if n := testing.AllocsPerRun(100, tt.run); n > tt.most {
			t.Errorf("%s: %v allocations, want %v at most", tt.name, n, tt.most)
		}
	}
}
