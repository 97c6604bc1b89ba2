package log_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
)

func TestLevelOf(t *testing.T) {
	levels := map[endpoint.Code]slog.Level{
		endpoint.Unknown: slog.LevelError, endpoint.DeadlineExceeded: slog.LevelError, endpoint.Internal: slog.LevelError,
		endpoint.Unavailable: slog.LevelError, endpoint.DataLoss: slog.LevelError,
	}
	for code := endpoint.Canceled; code <= endpoint.Unauthenticated; code++ {
		want, listed := levels[code]
		if !listed {
			want = slog.LevelWarn
		}
		if got := log.LevelOf(t.Context(), fmt.Errorf("pay: %w", &endpoint.Error{Code: code})); got != want {
			t.Errorf("%v is logged as %v, want %v", code, got, want)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want slog.Level
	}{
		{"success", t.Context(), nil, slog.LevelInfo},
		{"success for nobody", gone, nil, slog.LevelInfo},
		{"no code", t.Context(), errors.New("boom"), slog.LevelError},
		{"an open breaker", t.Context(), &endpoint.Error{Code: endpoint.Unavailable, Local: true}, slog.LevelWarn},
		{"failed for nobody", gone, errors.New("boom"), slog.LevelWarn},
		{"panicked for nobody", gone, &endpoint.PanicError{Value: 1}, slog.LevelError},
	} {
		if got := log.LevelOf(tt.ctx, tt.err); got != tt.want {
			t.Errorf("%s is logged as %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestLevelsReplacesTheRule(t *testing.T) {
	var j journal
	silent := func(ctx context.Context, err error) slog.Level {
		if errors.Is(err, errLimit) {
			return slog.LevelDebug
		}
		return log.LevelOf(ctx, err) + 12 // beyond what the default rule could give
	}
	pay := log.Calls(shop{}.Pay, log.New(j.handler(slog.LevelInfo+12)), "pay", log.Levels(silent))
	_, _ = pay(t.Context(), order{"refused"})
	_, _ = pay(t.Context(), order{"4111"})
	if got := j.record(t)["level"]; got != "ERROR+4" {
		t.Errorf("the level is %v", got)
	}
}

func TestCallsHeedsTheLoggersLevel(t *testing.T) {
	for level, want := range map[slog.Level]int{
		slog.LevelDebug: 4, slog.LevelInfo: 4, slog.LevelWarn: 3, slog.LevelError: 1, slog.LevelError + 1: 0,
	} {
		var j journal
		pay := log.Calls(shop{}.Pay, log.New(j.handler(level)), "pay")
		for _, card := range []string{"4111", "expired", "refused", "broken"} {
			_, _ = pay(t.Context(), order{card})
		}
		if got := len(j.records(t)); got != want {
			t.Errorf("level %v: %d records, want %d", level, got, want)
		}
	}
}
