package log_test

import (
	"log/slog"
	"testing"

	"github.com/dowelkit/dowel/log"
)

// Loggers derived from one must not write into each other's attributes.
func TestDerivedLoggersDoNotShare(t *testing.T) {
	var j journal
	base := slog.New(log.NewHandler(slog.NewJSONHandler(&j, &slog.HandlerOptions{ReplaceAttr: untimed}))).
		WithGroup("g").With("a", 1)
	one, two := base.With("b", 1), base.With("b", 2)
	deep := two.WithGroup("x").WithGroup("y")
	three, four := deep.WithGroup("p"), deep.WithGroup("q")
	for _, l := range []*slog.Logger{one, two, three, four, base} {
		l.Info("m", "c", 0)
	}
	want := head + `"g":{"a":1,"b":1,"c":0}}` + "\n" +
		head + `"g":{"a":1,"b":2,"c":0}}` + "\n" +
		head + `"g":{"a":1,"b":2,"x":{"y":{"p":{"c":0}}}}}` + "\n" +
		head + `"g":{"a":1,"b":2,"x":{"y":{"q":{"c":0}}}}}` + "\n" +
		head + `"g":{"a":1,"c":0}}` + "\n"
	if j.String() != want {
		t.Errorf("got\n%swant\n%s", &j, want)
	}
}

// The caller of Handle keeps its record as it was, spare room included.
func TestHandleLeavesTheRecordAlone(t *testing.T) {
	var j journal
	h := log.NewHandler(slog.NewJSONHandler(&j, nil))
	for n := range 16 { // more than a Record holds within itself
		var r slog.Record
		for range n {
			r.AddAttrs(slog.Int("a", 1))
		}
		if err := h.Handle(incoming(t.Context()), r); err != nil {
			t.Fatal(err)
		}
		r.AddAttrs(slog.Int("a", 1))
		if r.NumAttrs() != n+1 {
			t.Errorf("the record has %d attributes, want %d", r.NumAttrs(), n+1)
		}
		r.Attrs(func(a slog.Attr) bool {
			if a.Key != "a" {
				t.Errorf("of %d attributes one is %v", n, a)
			}
			return true
		})
	}
}

func TestHandlerCopiesWhatItIsGiven(t *testing.T) {
	var j journal
	adders := []log.Adder{tenant}
	h := log.NewHandler(slog.NewJSONHandler(&j, &slog.HandlerOptions{ReplaceAttr: untimed}), adders...)
	adders[0] = zone
	base := slog.New(h).With("a", 1, "b", 2, "c", 3)
	mine := base.With("request_id", "mine")
	base.With("d", 4) // with a place of its own for the name
	mine.InfoContext(incoming(t.Context()), "m")
	want := head + `"a":1,"b":2,"c":3,"request_id":"mine","correlation_id":"c-1","tenant":"acme"}` + "\n"
	if j.String() != want {
		t.Errorf("got  %swant %s", &j, want)
	}
}

func TestHandlerWithNothingIsItself(t *testing.T) {
	h := log.NewHandler(slog.DiscardHandler)
	if h.WithGroup("") != slog.Handler(h) || h.WithAttrs(nil) != slog.Handler(h) {
		t.Error("a handler without change is another one")
	}
}
