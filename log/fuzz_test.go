package log_test

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/log"
)

// names are few, so that they collide with each other and with what is added.
var names = [...]string{"a", "b", "request_id", "", "g", "correlation_id"}

// program derives a logger as the bytes say and returns the last record's
// attributes.
func program(l *slog.Logger, script []byte) (*slog.Logger, []any) {
	var args []any
	for i, b := range script {
		name := names[int(b>>3)%len(names)]
		a := slog.Int(name, i)
		if b&4 != 0 {
			a = slog.Group(name, slog.Int(names[int(b>>5)%len(names)], i))
		}
		switch b & 3 {
		case 0:
			l = l.WithGroup(name)
		case 1:
			l = l.With(a)
		default:
			args = append(args, a)
		}
	}
	return l, args
}

// Outside of a call a Handler is not to be noticed. Within one it adds what has no
// place at the top level yet, and changes nothing else.
func FuzzHandlerChangesNothingElse(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte{1, 32, 9, 2})
	f.Add([]byte{17, 16, 18, 42, 28})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 64 {
			return
		}
		outside, want := run(t, script, false, plainly)
		if got, _ := run(t, script, false, wrapped); got != outside {
			t.Fatalf("outside of a call:\ngot  %swant %s", got, outside)
		}
		text, got := run(t, script, true, wrapped)
		for key, value := range map[string]string{"request_id": "r-1", "correlation_id": "c-1"} {
			if n := strings.Count(text, value); n > 1 {
				t.Fatalf("%s is added %d times: %s", key, n, text)
			}
			if _, taken := want[key]; !taken {
				want[key] = value
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("within a call:\ngot  %swant %v", text, want)
		}
	})
}

func plainly(h slog.Handler) slog.Handler { return h }
func wrapped(h slog.Handler) slog.Handler { return log.NewHandler(h) }

func run(t *testing.T, script []byte, within bool, wrap func(slog.Handler) slog.Handler) (string, map[string]any) {
	var j journal
	ctx := t.Context()
	if within {
		ctx = incoming(ctx)
	}
	l, args := program(slog.New(wrap(slog.NewJSONHandler(&j, &slog.HandlerOptions{ReplaceAttr: untimed}))), script)
	l.InfoContext(ctx, "m", args...)
	var m map[string]any
	if err := json.Unmarshal(j.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return j.String(), m
}
