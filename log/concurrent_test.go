package log_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/log"
)

// lines counts the records that carry the ID of their own call.
type lines struct{ total, right int }

func (l *lines) Write(p []byte) (int, error) {
	l.total++
	_, after, _ := strings.Cut(string(p), `"expected":"`)
	id, _, _ := strings.Cut(after, `"`)
	if id != "" && strings.Contains(string(p), `"request_id":"`+id+`"`) {
		l.right++
	}
	return len(p), nil
}

func TestHandlerConcurrentSafe(t *testing.T) {
	var l lines
	logger := slog.New(log.NewHandler(slog.NewJSONHandler(&l, nil), tenant, zone)).With("a", 1)
	grouped := logger.WithGroup("g").With("b", 2)
	var wg sync.WaitGroup
	for _, id := range []string{"r-1", "r-2", "r-3", "r-4"} {
		wg.Go(func() {
			ctx := call.With(t.Context(), call.RequestID(id))
			for range 100 {
				logger.InfoContext(ctx, "m", "expected", id)
				grouped.InfoContext(ctx, "m", "expected", id)
				logger.WithGroup("h").InfoContext(ctx, "m", "expected", id)
			}
		})
	}
	wg.Wait()
	if l.total != 1200 || l.right != 1200 {
		t.Errorf("%d of %d records carry the ID of their call, want 1200", l.right, l.total)
	}
}

func TestCallsConcurrentSafe(t *testing.T) {
	var j journal
	pay := log.Calls(shop{}.Pay, log.New(j.handler(slog.LevelInfo)), "pay")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				_, _ = pay(incoming(t.Context()), order{"4111"})
			}
		})
	}
	wg.Wait()
	if got := len(j.records(t)); got != 40 {
		t.Errorf("%d records, want 40", got)
	}
}
