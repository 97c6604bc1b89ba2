package httpkit_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

type created struct {
	ID string `json:"id"`
	v  http.Header
}

func (created) StatusCode() int        { return http.StatusCreated }
func (c created) Headers() http.Header { return c.v }

// chosen has its methods on the pointer.
type chosen struct {
	status int
	Text   string `json:"text"`
}

func (c *chosen) StatusCode() int { return c.status }

func give[T any](v T) endpoint.Endpoint[struct{}, T] {
	return func(context.Context, struct{}) (T, error) { return v, nil }
}

func TestEncodeJSONStatusAndHeaders(t *testing.T) {
	values := http.Header{
		"location": {"/things/5"}, "Set-Cookie": {"a=1", "b=2"}, "content-type": {"application/vnd.acme+json"},
	}
	url := start(t, "/", httpkit.NewHandler(give(created{"5", values}), httpkit.DecodeJSON, httpkit.EncodeJSON))
	a := get(t, url)
	if a.StatusCode != 201 || a.body != `{"id":"5"}`+"\n" || a.ContentLength != int64(len(a.body)) {
		t.Errorf("got %d %q of length %d", a.StatusCode, a.body, a.ContentLength)
	}
	if got := a.Header.Get("Location"); got != "/things/5" {
		t.Errorf("Location is %q", got)
	}
	if got := a.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("Set-Cookie is %q", got)
	}
	if got := a.Header.Values("Content-Type"); !slices.Equal(got, []string{"application/vnd.acme+json"}) {
		t.Errorf("Content-Type is %q", got)
	}
	if values.Get("Set-Cookie") != "a=1" || len(values) != 3 {
		t.Errorf("the response's own headers are now %v", values)
	}
}

func TestEncodeJSONContentType(t *testing.T) {
	long := strings.Repeat("x", 100_000) // more than net/http would count by itself
	a := get(t, start(t, "/", httpkit.NewHandler(give(long), httpkit.DecodeJSON, httpkit.EncodeJSON)))
	if a.Header.Get("Content-Type") != "application/json" || a.ContentLength != int64(len(long)+3) {
		t.Errorf("got %v, length %d", a.Header, a.ContentLength)
	}
}

func TestEncodeJSONChosenStatus(t *testing.T) {
	for _, status := range []int{200, 202, 204, 205, 304, 404} {
		value := httpkit.NewHandler(give(chosen{status, "x"}), httpkit.DecodeJSON, httpkit.EncodeJSON)
		pointer := httpkit.NewHandler(give(&chosen{status, "x"}), httpkit.DecodeJSON, httpkit.EncodeJSON)
		for _, h := range []http.Handler{value, pointer} {
			a := get(t, start(t, "/", h))
			body := `{"text":"x"}` + "\n"
			if status == 204 || status == 205 || status == 304 {
				body = ""
			}
			if a.StatusCode != status || a.body != body {
				t.Errorf("got %d %q, want %d %q", a.StatusCode, a.body, status, body)
			}
			if length := a.Header.Get("Content-Length"); body == "" && (a.Header.Get("Content-Type") != "" || strings.Trim(length, "0") != "") {
				t.Errorf("%d has the headers of a body: %v", status, a.Header)
			}
		}
	}
}

func TestEncodeFailureIsAClean500(t *testing.T) {
	var logs records
	type broken struct {
		F float64 `json:"f"`
	}
	for name, h := range map[string]http.Handler{
		"value":         httpkit.NewHandler(give(broken{math.NaN()}), httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.Logger(logs.logger())),
		"status":        httpkit.NewHandler(give(chosen{status: 99}), httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.Logger(logs.logger())),
		"informational": httpkit.NewHandler(give(chosen{status: 103}), httpkit.DecodeJSON, httpkit.EncodeNothing, httpkit.Logger(logs.logger())),
	} {
		a := get(t, start(t, "/", h))
		if p := a.problem(t, 500, endpoint.Internal); p.Detail != "internal error" {
			t.Errorf("%s: the message is %q", name, p.Detail)
		}
	}
	for _, want := range []string{"unsupported value: NaN", "status 99", "status 103", "stage=encode"} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("%q is not in the log: %s", want, logs.String())
		}
	}
}

// A failed encoder's headers must not describe the error's body.
func TestEncodeFailureAfterHeaders(t *testing.T) {
	encode := func(_ context.Context, w http.ResponseWriter, _ string) error {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("ETag", "x")
		return &endpoint.Error{Code: endpoint.Unavailable}
	}
	a := get(t, start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, encode)))
	a.problem(t, 503, endpoint.Unavailable)
	if a.Header.Get("ETag") != "" {
		t.Error("the ETag is still there")
	}
}

func TestHead(t *testing.T) {
	var written int64 = -1
	h := httpkit.NewHandler(give(created{ID: "5"}), httpkit.DecodeJSON, httpkit.EncodeJSON,
		httpkit.Finally(func(_ context.Context, _ *http.Request, o httpkit.Outcome) { written = o.Written }))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, start(t, "GET /", h), nil)
	a := send(t, r, err)
	if a.StatusCode != 201 || a.ContentLength != int64(len(`{"id":"5"}`)+1) || a.body != "" {
		t.Errorf("got %d, length %d, body %q", a.StatusCode, a.ContentLength, a.body)
	}
	if written != 0 {
		t.Errorf("%d bytes are said to be written", written)
	}
}

func TestStreamingEncoder(t *testing.T) {
	step := make(chan struct{})
	encode := func(_ context.Context, w http.ResponseWriter, resp string) error {
		c := http.NewResponseController(w)
		if err := c.Flush(); err != nil { // the headers alone, and not behind the hooks' back
			return err
		}
		for range 2 {
			if _, err := io.WriteString(w, resp); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
			<-step
		}
		_, err := io.Copy(w, strings.NewReader("end"))
		return err
	}
	var out httpkit.Outcome
	done := make(chan struct{})
	h := httpkit.NewHandler(give("tick"), httpkit.DecodeJSON, encode,
		httpkit.After(func(_ context.Context, status int, h http.Header) { h.Set("X-Streamed", http.StatusText(status)) }),
		httpkit.Finally(func(_ context.Context, _ *http.Request, o httpkit.Outcome) { out = o; close(done) }))
	resp, err := http.Get(start(t, "/", h))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 4)
	for range 2 { // each part arrives while the encoder waits
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "tick" {
			t.Fatalf("got %q, %v", buf, err)
		}
		step <- struct{}{}
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "end" {
		t.Errorf("got %q, %v", rest, err)
	}
	if resp.Header.Get("X-Streamed") != "OK" {
		t.Error("the hook ran too late for the headers")
	}
	if <-done; out.Status != 200 || out.Written != 11 || out.Err != nil {
		t.Errorf("the outcome is %+v", out)
	}
}

// An encoder that breaks the rules is our fault, and no caller that hung up.
func TestEncoderThatBreaksTheRules(t *testing.T) {
	tests := map[string]func(context.Context, http.ResponseWriter, string) error{
		"body of a 204": func(_ context.Context, w http.ResponseWriter, _ string) error {
			w.WriteHeader(204)
			_, err := w.Write([]byte("x"))
			return err
		},
		"longer than its length": func(_ context.Context, w http.ResponseWriter, _ string) error {
			w.Header().Set("Content-Length", "1")
			_, err := w.Write([]byte("xyz"))
			return err
		},
	}
	for name, encode := range tests {
		t.Run(name, func(t *testing.T) {
			var logs records
			final, done := watch()
			url := start(t, "/", httpkit.NewHandler(give("x"), httpkit.DecodeJSON, encode, final, httpkit.Logger(logs.logger())))
			if resp, err := http.Get(url); err == nil {
				_ = resp.Body.Close()
			}
			if o := <-done; o.Err == nil || endpoint.CodeOf(o.Err) == endpoint.Canceled || logs.String() == "" {
				t.Errorf("the outcome is %+v, the log %q", o, logs.String())
			}
		})
	}
}

func TestHijack(t *testing.T) {
	encode := func(_ context.Context, w http.ResponseWriter, _ string) error {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n")
		_ = rw.Flush()
		return errors.New("too late to answer")
	}
	done := make(chan httpkit.Outcome, 1)
	var logs records
	h := httpkit.NewHandler(give("x"), httpkit.DecodeJSON, encode, httpkit.Logger(logs.logger()),
		httpkit.Finally(func(_ context.Context, _ *http.Request, o httpkit.Outcome) { done <- o }))
	if a := get(t, start(t, "/", h)); a.StatusCode != 299 {
		t.Errorf("got %d", a.StatusCode)
	}
	if o := <-done; o.Status != 0 || o.Err == nil {
		t.Errorf("the outcome is %+v", o)
	}
}
