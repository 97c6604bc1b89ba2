package httpkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

func fail(err error) endpoint.Endpoint[struct{}, string] {
	return func(context.Context, struct{}) (string, error) { return "", err }
}

// watch is a Finally hook that hands out the outcome.
func watch() (httpkit.HandlerOption, <-chan httpkit.Outcome) {
	done := make(chan httpkit.Outcome, 1)
	return httpkit.Finally(func(_ context.Context, _ *http.Request, o httpkit.Outcome) { done <- o }), done
}

func TestErrorsOfTheEndpoint(t *testing.T) {
	secret := errors.New("secret")
	tests := []struct {
		name   string
		err    error
		status int
		code   endpoint.Code
		detail string
	}{
		{"typed", &endpoint.Error{Code: endpoint.NotFound, Message: "no such order", Err: secret}, 404, endpoint.NotFound, "no such order"},
		{"wrapped", errors.Join(secret, &endpoint.Error{Code: endpoint.Aborted}), 409, endpoint.Aborted, "the call was aborted"},
		{"plain", secret, 500, endpoint.Internal, "internal error"},
		{"its status", httpkit.WithStatus(&endpoint.Error{Code: endpoint.InvalidArgument}, 422), 422, endpoint.InvalidArgument, "the request is not valid"},
		{"deadline", context.DeadlineExceeded, 504, endpoint.DeadlineExceeded, "the deadline is exceeded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			final, done := watch()
			a := get(t, start(t, "/", httpkit.NewHandler(fail(test.err), httpkit.DecodeJSON, httpkit.EncodeJSON, final)))
			if p := a.problem(t, test.status, test.code); p.Detail != test.detail {
				t.Errorf("the message is %q, want %q", p.Detail, test.detail)
			}
			if strings.Contains(a.body, "secret") {
				t.Errorf("the cause leaks: %s", a.body)
			}
			o := <-done
			if !errors.Is(o.Err, test.err) || o.Status != test.status || o.Written != int64(len(a.body)) {
				t.Errorf("the outcome is %+v", o)
			}
		})
	}
}

// net/http removes the files of its own request only, not of a copy of it.
func TestFilesOfAFormAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	during := -1
	decode := func(r *http.Request) (struct{}, error) {
		err := r.ParseMultipartForm(1)
		during = files()
		return struct{}{}, err
	}
	h := httpkit.NewHandler(give("x"), decode, httpkit.EncodeJSON)
	a := post(t, start(t, "/", h), "--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"+
		strings.Repeat("a", 100_000)+"\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
	if a.StatusCode != 200 || during != 1 || files() != 0 {
		t.Errorf("got %d; %d files while it was decoded, %d after", a.StatusCode, during, files())
	}
}

func TestErrorEncoder(t *testing.T) {
	tests := []struct {
		name   string
		encode func(context.Context, http.ResponseWriter, error)
		status int
		body   string
	}{
		{"own", func(_ context.Context, w http.ResponseWriter, err error) {
			http.Error(w, endpoint.Public(err).Message, httpkit.StatusOf(err))
		}, 503, "the service is not available\n"},
		{"writes nothing", func(context.Context, http.ResponseWriter, error) {}, 503, `"code":"unavailable"`},
		{"panics", func(context.Context, http.ResponseWriter, error) { panic("secret") }, 503, `"code":"unavailable"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var logs records
			h := httpkit.NewHandler(fail(&endpoint.Error{Code: endpoint.Unavailable}), httpkit.DecodeJSON, httpkit.EncodeJSON,
				httpkit.ErrorEncoder(test.encode), httpkit.Logger(logs.logger()))
			a := get(t, start(t, "/", h))
			if a.StatusCode != test.status || !strings.Contains(a.body, test.body) {
				t.Errorf("got %d %q", a.StatusCode, a.body)
			}
			if strings.Contains(logs.String(), "secret") != (test.name == "panics") {
				t.Errorf("the log is %q", logs.String())
			}
		})
	}
}

func TestNewHandlerNamesAllFaults(t *testing.T) {
	type bad struct {
		N chan int `query:"n"`
	}
	var e endpoint.Endpoint[bad, string]
	message := recovered(func() {
		httpkit.NewHandler(e, nil, nil, nil, httpkit.MaxBody(0), httpkit.MaxBody(-1), httpkit.HandlerTimeout(-time.Second),
			httpkit.Allow("a b", "X-Request-Id"), httpkit.Before(nil), httpkit.After(nil), httpkit.Finally(nil),
			httpkit.ErrorEncoder(nil), httpkit.Logger(nil))
	})
	for _, want := range []string{
		"httpkit: NewHandler: ", "the endpoint is nil", "the decoder is nil", "the encoder is nil", "option 1 is nil",
		"bad.N: chan int", "MaxBody: must be positive, not 0", "MaxBody: must be positive, not -1",
		"HandlerTimeout: must be positive, not -1s", `"a b"`, `Allow: "`, `"X-Request-Id"`, "Before: the hook is nil",
		"After: the hook is nil", "Finally: the hook is nil", "ErrorEncoder: the encoder is nil", "Logger: the logger is nil",
	} {
		if !strings.Contains(message, want) {
			t.Errorf("%q is not in %s", want, message)
		}
	}
	for _, f := range []func(){
		func() { _ = httpkit.WithStatus(nil, 400) },
		func() { _ = httpkit.WithStatus(io.EOF, 200) },
	} {
		if m := recovered(f); !strings.Contains(m, "httpkit: WithStatus") {
			t.Errorf("got %s", m)
		}
	}
}

func TestHandlerConcurrentSafe(t *testing.T) {
	h := httpkit.NewHandler(echo[sumRequest], httpkit.DecodeJSON, httpkit.EncodeJSON,
		httpkit.Finally(func(context.Context, *http.Request, httpkit.Outcome) {}))
	var wg sync.WaitGroup
	for i := range 8 {
		body := `{"a":` + strings.Repeat("1", i+1) + `,"b":0,"tags":["` + strings.Repeat("x", 100*i) + `"]}`
		wg.Go(func() {
			for range 200 {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				if got := strings.TrimSpace(rec.Body.String()); got != body {
					t.Errorf("%s comes back as %s", body, got)
					return
				}
			}
		})
	}
	wg.Wait()
}
