package httpkit_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// pointed is an error that a nil pointer makes panic.
type pointed struct{ text string }

func (p *pointed) Error() string { return p.text }

// wrapping panics when somebody looks for a code in it.
type wrapping struct{ error }

func (wrapping) Unwrap() error { panic("secret") }

// presenting panics when it is asked for an endpoint.Error, and for nothing else.
type presenting struct{ error }

func (presenting) As(target any) bool {
	if _, ok := target.(**endpoint.Error); ok {
		panic("secret")
	}
	return false
}

// An error that cannot be asked what it is, as a nil pointer cannot, is a panic like
// any other: answered, logged, and told to the hooks.
func TestErrorsThatPanic(t *testing.T) {
	var nilError *endpoint.Error
	var nilPointed *pointed
	call := func(err error) error { return err }
	tests := []struct {
		name                   string
		decode, called, encode error
	}{
		{name: "endpoint", called: call(nilError)},
		{name: "endpoint, wrapped", called: wrapping{errors.New("x")}},
		{name: "endpoint, presented", called: presenting{errors.New("x")}},
		{name: "decoder", decode: call(nilPointed)},
		{name: "encoder", encode: call(nilPointed)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var logs records
			final, done := watch()
			h := httpkit.NewHandler(
				func(context.Context, struct{}) (string, error) { return "", tt.called },
				func(*http.Request) (struct{}, error) { return struct{}{}, tt.decode },
				func(context.Context, http.ResponseWriter, string) error { return tt.encode },
				final, httpkit.Logger(logs.logger()))
			get(t, start(t, "/", h)).problem(t, 500, endpoint.Internal)
			if o := <-done; o.Status != 500 || !isPanic(o.Err) {
				t.Errorf("the outcome is %d, %T", o.Status, o.Err)
			}
			if text := logs.String(); !strings.Contains(text, "panic in the handler") || !strings.Contains(text, "goroutine ") {
				t.Errorf("the log holds %q", text)
			}
		})
	}
}

// Nor does a logger that panics keep anybody from an answer.
func TestLoggerThatPanics(t *testing.T) {
	final, done := watch()
	e := func(context.Context, struct{}) (string, error) { panic("secret") }
	h := httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON, final,
		httpkit.Finally(func(context.Context, *http.Request, httpkit.Outcome) { panic("secret") }),
		httpkit.Logger(slog.New(broken{})))
	get(t, start(t, "/", h)).problem(t, 500, endpoint.Internal)
	if o := <-done; o.Status != 500 || !isPanic(o.Err) {
		t.Errorf("the outcome is %+v", o)
	}
}

type broken struct{ slog.Handler }

func isPanic(err error) bool {
	_, ok := errors.AsType[*endpoint.PanicError](err)
	return ok
}
