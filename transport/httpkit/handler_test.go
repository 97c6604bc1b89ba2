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

func TestPanicBeforeWriting(t *testing.T) {
	var logs records
	final, done := watch()
	e := func(context.Context, struct{}) (string, error) { panic("secret") }
	a := get(t, start(t, "/", httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON, final, httpkit.Logger(logs.logger()))))
	a.problem(t, 500, endpoint.Internal)
	if strings.Contains(a.body, "secret") {
		t.Errorf("the panic leaks: %s", a.body)
	}
	o := <-done
	p, ok := errors.AsType[*endpoint.PanicError](o.Err)
	if !ok || p.Value != "secret" || !strings.Contains(string(p.Stack), "TestPanicBeforeWriting") {
		t.Errorf("the outcome's error is %v", o.Err)
	}
	if o.Status != 500 {
		t.Errorf("the outcome's status is %d", o.Status)
	}
	for _, want := range []string{"secret", "TestPanicBeforeWriting", "level=ERROR", "request_id=" + a.Header.Get("X-Request-Id")} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("%q is not in the log: %s", want, logs.String())
		}
	}
}

// What has begun cannot be taken back, but must not be taken for a whole answer.
func TestFailureAfterWriting(t *testing.T) {
	for name, end := range map[string]func() error{
		"panic": func() error { panic("secret") },
		"error": func() error { return errors.New("secret") },
		"abort": func() error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			final, done := watch()
			var logs records
			encode := func(_ context.Context, w http.ResponseWriter, _ string) error {
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				return end()
			}
			a := get(t, start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, encode, final, httpkit.Logger(logs.logger()))))
			if a.StatusCode != 200 || a.body != "half" || a.cut == nil {
				t.Errorf("got %d %q, cut off by %v", a.StatusCode, a.body, a.cut)
			}
			o := <-done
			if o.Status != 200 || o.Written != 4 || o.Err == nil {
				t.Errorf("the outcome is %+v", o)
			}
			if logged := strings.Contains(logs.String(), "secret"); logged != (name != "abort") {
				t.Errorf("the log holds %q", logs.String())
			}
		})
	}
}

func TestAbortHandlerPasses(t *testing.T) {
	final, done := watch()
	var logs records
	e := func(context.Context, struct{}) (string, error) { panic(http.ErrAbortHandler) }
	url := start(t, "/", httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON, final, httpkit.Logger(logs.logger())))
	if resp, err := http.Get(url); err == nil {
		_ = resp.Body.Close()
		t.Errorf("there is an answer: %d", resp.StatusCode)
	}
	if o := <-done; o.Err != http.ErrAbortHandler || o.Status != 0 {
		t.Errorf("the outcome is %+v", o)
	}
	if logs.String() != "" {
		t.Errorf("an abort is logged: %s", logs.String())
	}
}

func TestClientHangsUp(t *testing.T) {
	final, done := watch()
	began := make(chan struct{})
	e := func(ctx context.Context, _ struct{}) (string, error) {
		close(began)
		<-ctx.Done()
		return "", ctx.Err()
	}
	url := start(t, "/", httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON, final))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-began; cancel() }()
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Error("there is an answer")
	}
	if o := <-done; endpoint.CodeOf(o.Err) != endpoint.Canceled || o.Status != 499 {
		t.Errorf("the outcome is %+v", o)
	}
}

func TestClientHangsUpInTheAnswer(t *testing.T) {
	final, done := watch()
	var logs records
	encode := func(_ context.Context, w http.ResponseWriter, _ string) error {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return err
			}
		}
	}
	resp, err := http.Get(start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, encode, final, httpkit.Logger(logs.logger()))))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if o := <-done; endpoint.CodeOf(o.Err) != endpoint.Canceled || o.Status != 200 || o.Written == 0 {
		t.Errorf("the outcome is %+v", o)
	}
	if logs.String() != "" {
		t.Errorf("a caller that hangs up is logged: %s", logs.String())
	}
}

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
		"httpkit: NewHandler: ", "the endpoint is nil", "the decoder is nil", "the encoder is nil", "an option is nil",
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
