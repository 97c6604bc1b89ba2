package log_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/log"
)

// An error may offer itself as JSON or by a format of its own. Neither is meant
// for a log, and a Handler still gets at the error.
type account struct{ Number string }

func (account) Error() string                { return "no such account" }
func (account) MarshalJSON() ([]byte, error) { return []byte(`"DE68"`), nil }
func (account) MarshalText() ([]byte, error) { return []byte(`DE68`), nil }
func (a account) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(a.Number)) }

// redacted says itself how to be logged.
type redacted struct{ error }

func (redacted) LogValue() slog.Value { return slog.StringValue("redacted") }

func TestErrorsAreLoggedByTheirText(t *testing.T) {
	var nilError *account
	for _, tt := range []struct {
		err  error
		want string
	}{
		{account{"DE68"}, "no such account"},
		{redacted{errors.New("secret")}, "redacted"},
		{nilError, "PANIC"}, // a typed nil must not bring the call down
	} {
		for name, handler := range map[string]func(*journal) slog.Handler{
			"JSON": func(j *journal) slog.Handler { return slog.NewJSONHandler(j, nil) },
			"text": func(j *journal) slog.Handler { return slog.NewTextHandler(j, nil) },
		} {
			var j journal
			find := func(context.Context, int) (int, error) { return 0, tt.err }
			_, _ = log.Calls(find, slog.New(handler(&j)), "find")(t.Context(), 1)
			if got := j.String(); !strings.Contains(got, tt.want) || strings.Contains(got, "DE68") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
}

func TestAHandlerGetsTheErrorItself(t *testing.T) {
	var got error
	h := slog.NewJSONHandler(new(journal), &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == log.ErrorKey {
				got, _ = a.Value.Any().(error)
			}
			return a
		},
	})
	_, _ = log.Calls(shop{}.Pay, slog.New(h), "pay")(t.Context(), order{"refused"})
	if !errors.Is(got, errLimit) {
		t.Errorf("the handler got %v", got)
	}
}
