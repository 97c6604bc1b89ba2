package httpkit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// watched returns a Ready with one check, and what its log says since the last call.
func watched(check func(context.Context) error) (h http.Handler, said func() string) {
	var r transport.Readiness
	r.Set(true)
	var log records
	drop := func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey:
			return slog.Attr{}
		case "stack":
			return slog.Bool("stack", strings.Contains(a.Value.String(), "health_report_test.go"))
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: drop}))
	seen := 0
	said = func() string {
		all := log.String()
		defer func() { seen = len(all) }()
		return strings.TrimSpace(all[seen:])
	}
	return httpkit.Ready(&r, httpkit.Check("db", check), httpkit.ReadyLogger(logger)), said
}

const (
	well  = `level=INFO msg="httpkit: a readiness check is well again" check=db`
	fails = `level=WARN msg="httpkit: a readiness check fails" check=db error=`
)

// The log has what the answer keeps from strangers, once for each change.
func TestReadyLogsChanges(t *testing.T) {
	var result error
	h, said := watched(func(context.Context) error {
		if result == http.ErrAbortHandler {
			panic("oops")
		}
		return result
	})
	down := errors.New("no route to the database")
	for i, step := range []struct {
		result error
		want   string
	}{
		{nil, ""},
		{down, fails + `"no route to the database"`},
		{errors.New("still not"), ""},
		{nil, well},
		{nil, ""},
		{http.ErrAbortHandler, fails + `"panic: oops" stack=true`},
		{nil, well},
	} {
		result = step.result
		if answer := ask(t, h); strings.Contains(answer, "database") {
			t.Errorf("step %d: the answer is %s", i, answer)
		}
		if got := said(); got != step.want {
			t.Errorf("step %d: the log says %s, want %s", i, got, step.want)
		}
	}
}

// A check that hangs is in the log before it ends, also if whoever asked had less
// patience; one that heeds its context says itself why.
func TestReadyLogsAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h, said := watched(func(context.Context) error { <-release; return nil })
		expect(t, h, `503 {"status":"not ready","checks":{"db":"failed"}}`)
		time.Sleep(time.Second)
		if got := said(); got != fails+`"context deadline exceeded"` {
			t.Errorf("the log says %s", got)
		}
		close(release)
		synctest.Wait()
		if got := said(); got != well {
			t.Errorf("the log says %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h, said := watched(func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("waiting for the replica")
		})
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		time.Sleep(time.Hour)
		if got := said(); got != fails+`"waiting for the replica"` {
			t.Errorf("the log says %s", got)
		}
	})
}

// A broken error is no reason to end the process.
func TestReadyLogsABrokenError(t *testing.T) {
	h, said := watched(func(context.Context) error { return (*brokenError)(nil) })
	expect(t, h, `503 {"status":"not ready","checks":{"db":"failed"}}`)
	if got := said(); !strings.HasPrefix(got, fails) {
		t.Errorf("the log says %s", got)
	}
}

type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

func ExampleReadyLogger() {
	var ready transport.Readiness
	ready.Set(true)
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // so that the output is always the same
			}
			return a
		},
	}))
	h := httpkit.Ready(&ready, httpkit.ReadyLogger(logger),
		httpkit.Check("db", func(context.Context) error { return errors.New("no route to 10.0.0.7") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// level=WARN msg="httpkit: a readiness check fails" check=db error="no route to 10.0.0.7"
	// 503 {"status":"not ready","checks":{"db":"failed"}}
}
