package log_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/log"
)

// within is a handler of a user's own round another. It gives all records a
// context if it has one.
type within struct {
	ctx context.Context
	h   slog.Handler
}

func (w within) Enabled(ctx context.Context, l slog.Level) bool { return w.h.Enabled(ctx, l) }
func (w within) WithAttrs(as []slog.Attr) slog.Handler          { return within{w.ctx, w.h.WithAttrs(as)} }
func (w within) WithGroup(name string) slog.Handler             { return within{w.ctx, w.h.WithGroup(name)} }
func (w within) Handle(ctx context.Context, r slog.Record) error {
	if w.ctx != nil {
		ctx = w.ctx
	}
	return w.h.Handle(ctx, r)
}

func TestHandlerConforms(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"outside of a call": t.Context(),
		"within a call":     incoming(t.Context()),
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			slogtest.Run(t, func(*testing.T) slog.Handler {
				j.Reset()
				return within{ctx, log.NewHandler(slog.NewJSONHandler(&j, nil))}
			}, func(t *testing.T) map[string]any {
				m := j.records(t)[0]
				if id := m["request_id"]; (id == "r-1") != (name == "within a call") {
					t.Errorf("the request ID is %v", id)
				}
				return m
			})
		})
	}
}

// tenant and zone are adders.
func tenant(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	return append(attrs, slog.String("tenant", call.From(ctx).Value("X-Tenant")))
}

func zone(_ context.Context, attrs []slog.Attr) []slog.Attr {
	return append(attrs, slog.Group("", slog.String("zone", "eu"), slog.String("request_id", "zone's")),
		slog.Group("host", slog.String("name", "h1")))
}

func TestHandlerAddsToTheTopLevelOnce(t *testing.T) {
	const call = `"request_id":"r-1","correlation_id":"c-1"`
	for _, tt := range []struct {
		name   string
		adders []log.Adder
		log    func(ctx context.Context, l *slog.Logger)
		want   string // but for level and message
	}{
		{"a record", nil, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", 1) },
			`"a":1,` + call},
		{"no context", nil, func(_ context.Context, l *slog.Logger) { l.Info("m", "a", 1) }, `"a":1`},
		{"groups", nil, func(ctx context.Context, l *slog.Logger) {
			l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "m", "c", 3)
		}, `"a":1,"g":{"b":2,"h":{"c":3}},` + call},
		{"empty groups", nil, func(ctx context.Context, l *slog.Logger) {
			l.WithGroup("g").WithGroup("h").InfoContext(ctx, "m")
		}, call},
		{"in a group of the user's", nil, func(ctx context.Context, l *slog.Logger) {
			l.WithGroup("g").InfoContext(ctx, "m", "request_id", "mine")
		}, `"g":{"request_id":"mine"},` + call},
		{"the user's group", nil, func(ctx context.Context, l *slog.Logger) {
			l.WithGroup("request_id").InfoContext(ctx, "m", "a", 1)
		}, `"request_id":{"a":1},"correlation_id":"c-1"`},
		{"the user's group, empty", nil, func(ctx context.Context, l *slog.Logger) {
			l.WithGroup("request_id").InfoContext(ctx, "m")
		}, call},
		{"the record's own", nil, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m", "request_id", "mine")
		}, `"request_id":"mine","correlation_id":"c-1"`},
		{"the record's own, inlined", nil, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m", slog.Group("", "request_id", "mine"))
		}, `"request_id":"mine","correlation_id":"c-1"`},
		{"With's own", nil, func(ctx context.Context, l *slog.Logger) {
			l.With("request_id", "mine").WithGroup("g").InfoContext(ctx, "m", "a", 1)
		}, `"request_id":"mine","g":{"a":1},"correlation_id":"c-1"`},
		{"With's own, inlined", nil, func(ctx context.Context, l *slog.Logger) {
			l.With(slog.Group("", "request_id", "mine")).InfoContext(ctx, "m")
		}, `"request_id":"mine","correlation_id":"c-1"`},
		{"With's own in a sibling", nil, func(ctx context.Context, l *slog.Logger) {
			l.With("request_id", "mine")
			l.InfoContext(ctx, "m")
		}, call},
		{"adders", []log.Adder{tenant, zone, tenant, zone}, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "m")
		}, call + `,"tenant":"acme","zone":"eu","host":{"name":"h1"}`},
		{"adders and groups", []log.Adder{tenant}, func(ctx context.Context, l *slog.Logger) {
			l.WithGroup("g").InfoContext(ctx, "m", "tenant", "mine")
		}, `"g":{"tenant":"mine"},` + call + `,"tenant":"acme"`},
	} {
		for name, wrap := range map[string]func(slog.Handler) slog.Handler{
			"once":  func(h slog.Handler) slog.Handler { return log.NewHandler(h, tt.adders...) },
			"twice": func(h slog.Handler) slog.Handler { return log.NewHandler(log.NewHandler(h), tt.adders...) },
			"round another's": func(h slog.Handler) slog.Handler {
				return log.NewHandler(within{h: log.NewHandler(h)}, tt.adders...)
			},
			"under New": func(h slog.Handler) slog.Handler { return log.New(log.NewHandler(h, tt.adders...)).Handler() },
		} {
			var j journal
			tt.log(incoming(t.Context()), slog.New(wrap(slog.NewJSONHandler(&j, &slog.HandlerOptions{ReplaceAttr: untimed}))))
			if got, want := j.String(), head+tt.want+"}\n"; got != want {
				t.Errorf("%s, %s:\ngot  %swant %s", tt.name, name, got, want)
			}
		}
	}
}

const head = `{"level":"INFO","msg":"m",`

func untimed(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

type failing struct{ slog.Handler }

var errDisk = errors.New("disk full")

func (failing) Handle(context.Context, slog.Record) error { return errDisk }

func TestHandlerPassesOnErrorsAndLevels(t *testing.T) {
	h := log.NewHandler(failing{slog.NewJSONHandler(new(journal), &slog.HandlerOptions{Level: slog.LevelWarn})})
	if err := h.Handle(t.Context(), slog.Record{}); !errors.Is(err, errDisk) {
		t.Errorf("Handle returns %v", err)
	}
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("Enabled is not the next handler's")
	}
}

func TestNewGivesEachHandlerItsRecords(t *testing.T) {
	var all, bad journal
	logger := log.New(all.handler(slog.LevelInfo), bad.handler(slog.LevelError))
	ctx := incoming(t.Context())
	logger.InfoContext(ctx, "m")
	logger.ErrorContext(ctx, "m")
	for name, got := range map[string][]map[string]any{"all": all.records(t), "bad": bad.records(t)} {
		if want := map[string]int{"all": 2, "bad": 1}[name]; len(got) != want {
			t.Errorf("%s: %d records, want %d", name, len(got), want)
		}
		for _, m := range got {
			if m["request_id"] != "r-1" {
				text, _ := json.Marshal(m)
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}
