package httpkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

func TestHooks(t *testing.T) {
	type key struct{}
	var order []string
	final, done := watch()
	h := httpkit.NewHandler(
		func(ctx context.Context, _ struct{}) (string, error) {
			order = append(order, "call")
			return ctx.Value(key{}).(string), nil
		},
		func(r *http.Request) (struct{}, error) {
			order = append(order, "decode "+r.Context().Value(key{}).(string))
			return struct{}{}, nil
		},
		httpkit.EncodeJSON,
		httpkit.Before(func(ctx context.Context, r *http.Request) context.Context {
			order = append(order, "before")
			return context.WithValue(ctx, key{}, r.Header.Get("X-In"))
		}),
		httpkit.Before(func(ctx context.Context, _ *http.Request) context.Context {
			return context.WithValue(ctx, key{}, ctx.Value(key{}).(string)+"!")
		}),
		httpkit.After(func(ctx context.Context, _ int, h http.Header) {
			order = append(order, "after")
			h.Set("X-Out", ctx.Value(key{}).(string))
		}),
		httpkit.Finally(func(ctx context.Context, _ *http.Request, _ httpkit.Outcome) {
			order = append(order, "finally "+ctx.Value(key{}).(string))
		}),
		final,
	)
	a := get(t, start(t, "/", h), "X-In", "in")
	o := <-done
	if a.body != "\"in!\"\n" || a.Header.Get("X-Out") != "in!" {
		t.Errorf("got %q, %v", a.body, a.Header)
	}
	if got := strings.Join(order, ", "); got != "before, decode in!, call, after, finally in!" {
		t.Errorf("the order is %s", got)
	}
	if o.Duration <= 0 {
		t.Errorf("the duration is %v", o.Duration)
	}
}

func TestHooksThatPanic(t *testing.T) {
	boom := func() { panic("secret") }
	tests := map[string]httpkit.HandlerOption{
		"before": httpkit.Before(func(ctx context.Context, _ *http.Request) context.Context { boom(); return ctx }),
		"nil":    httpkit.Before(func(context.Context, *http.Request) context.Context { return nil }),
		"after":  httpkit.After(func(context.Context, int, http.Header) { boom() }),
	}
	for name, opt := range tests {
		t.Run(name, func(t *testing.T) {
			var logs records
			final, done := watch()
			a := get(t, start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, httpkit.EncodeJSON, opt, final, httpkit.Logger(logs.logger()))))
			a.problem(t, 500, endpoint.Internal)
			if o := <-done; o.Status != 500 || !strings.Contains(logs.String(), "panic in the handler") {
				t.Errorf("the outcome is %+v, the log %s", o, logs.String())
			}
		})
	}
	t.Run("finally", func(t *testing.T) {
		var logs records
		final, done := watch()
		opt := httpkit.Finally(func(context.Context, *http.Request, httpkit.Outcome) { boom() })
		a := get(t, start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, httpkit.EncodeJSON, opt, final, httpkit.Logger(logs.logger()))))
		if a.body != "\"x\"\n" || (<-done).Status != 200 || !strings.Contains(logs.String(), "secret") {
			t.Errorf("got %q, the log is %s", a.body, logs.String())
		}
	})
}

func TestBeforeFindsABoundedBody(t *testing.T) {
	read := make(chan error, 1)
	h := httpkit.NewHandler(echo[string], httpkit.DecodeNothing, httpkit.EncodeJSON, httpkit.MaxBody(10),
		httpkit.Before(func(ctx context.Context, r *http.Request) context.Context {
			_, err := io.ReadAll(r.Body)
			read <- err
			return ctx
		}))
	post(t, start(t, "/", h), strings.Repeat("x", 1000))
	if err := <-read; err == nil {
		t.Error("the hook reads all of a body that is too large")
	}
}
