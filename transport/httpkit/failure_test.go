package httpkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

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
