package httpkit_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

func TestClientHooks(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Header.Get("X-Sign"))
		if r.URL.Path == "/fail" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, `{"text":"hello"}`)
	})
	var log []string
	note := func(name string) []httpkit.ClientOption {
		return []httpkit.ClientOption{
			httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) {
				log = append(log, name+" before")
				r.Header.Add("X-Sign", name)
				return r, nil
			}),
			httpkit.ClientAfter(func(resp *http.Response) error {
				log = append(log, name+" after "+resp.Header.Get("X-Seen"))
				return nil
			}),
			httpkit.ClientFinally(func(_ context.Context, o httpkit.ClientOutcome) {
				log = append(log, name+" finally "+http.StatusText(o.Status))
				if o.Request == nil || o.Duration <= 0 || o.Received != 16 || (o.Err == nil) != (o.Status == 200) {
					t.Errorf("got %+v", o)
				}
			}),
		}
	}
	c := dial(t, base, note("client")...)
	ok := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /ok", note("one")...)
	_ = httpkit.NewEndpoint[clientWord, clientWord](c, "POST /other", note("other")...) // shares nothing with ok
	fail := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /fail")
	if _, err := ok(t.Context(), clientWord{}); err != nil {
		t.Error(err)
	}
	if _, err := fail(t.Context(), clientWord{}); endpoint.CodeOf(err) != endpoint.InvalidArgument {
		t.Errorf("got %v", err)
	}
	want := []string{
		"client before", "one before", "client after client", "one after client", "client finally OK", "one finally OK",
		"client before", "client after client", "client finally I'm a teapot",
	}
	if !slices.Equal(log, want) {
		t.Errorf("\n got %q\nwant %q", log, want)
	}
}

// Endpoints of one client append to its hooks, each for itself.
func TestClientHooksAreNotShared(t *testing.T) {
	var ran []string
	hook := func(name string) httpkit.ClientOption {
		return httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) {
			ran = append(ran, name)
			return r, nil
		})
	}
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	c := dial(t, base, hook("1"), hook("2"), hook("3"))
	mine := httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x", hook("mine"))
	_ = httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x", hook("theirs"))
	if _, err := mine(t.Context(), clientWord{}); err != nil {
		t.Error(err)
	}
	if want := []string{"1", "2", "3", "mine"}; !slices.Equal(ran, want) {
		t.Errorf("got %q, want %q", ran, want)
	}
}

func TestClientHooksFail(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{}`) })
	errHook := errors.New("no key")
	denied := &endpoint.Error{Code: endpoint.PermissionDenied, Reason: "NO_KEY"}
	before := func(err error) httpkit.ClientOption {
		return httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) { return r, err })
	}
	tests := []struct {
		name  string
		opt   httpkit.ClientOption
		err   error
		code  endpoint.Code
		local bool
	}{
		{"before", before(errHook), errHook, endpoint.Internal, true},
		{"before, coded", before(denied), denied, endpoint.PermissionDenied, true},
		{"no request", httpkit.ClientBefore(func(*http.Request) (*http.Request, error) { return nil, nil }), nil, endpoint.Internal, true},
		{"after", httpkit.ClientAfter(func(*http.Response) error { return errHook }), errHook, endpoint.Internal, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			err := callX(t.Context(), t, base, tt.opt, httpkit.ClientFinally(func(_ context.Context, o httpkit.ClientOutcome) {
				if calls++; !errors.Is(o.Err, o.Err) || o.Err == nil {
					t.Errorf("got %+v", o)
				}
			}))
			e, _ := errors.AsType[*endpoint.Error](err)
			if e == nil || e.Code != tt.code || e.Local != tt.local || !e.Outgoing || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("got %#v", err)
			}
			if calls != 1 {
				t.Errorf("finally ran %d times", calls)
			}
		})
	}
	if denied.Local || denied.Outgoing {
		t.Error("the hook's own error was changed")
	}
}

// A call that ends in a panic is no success.
func TestClientFinallyAfterAPanic(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	tests := map[string]httpkit.ClientOption{
		"before": httpkit.ClientBefore(func(*http.Request) (*http.Request, error) { panic("secret") }),
		"after":  httpkit.ClientAfter(func(*http.Response) error { panic("secret") }),
	}
	for name, opt := range tests {
		calls := 0
		final := httpkit.ClientFinally(func(_ context.Context, o httpkit.ClientOutcome) {
			if calls++; endpoint.CodeOf(o.Err) != endpoint.Internal {
				t.Errorf("%s: got %+v", name, o)
			}
		})
		text := recovered(func() { _ = callX(t.Context(), t, base, opt, final) })
		if text != "secret" || calls != 1 {
			t.Errorf("%s: it panics with %q, and finally ran %d times", name, text, calls)
		}
	}
}

func TestClientErrorDecoder(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, "E42")
	})
	errTaken := errors.New("the name is taken")
	tests := []struct {
		give error
		code endpoint.Code
	}{
		{nil, endpoint.Aborted},
		{errTaken, endpoint.Aborted},
		{&endpoint.Error{Code: endpoint.AlreadyExists, Err: errTaken}, endpoint.AlreadyExists},
	}
	for _, tt := range tests {
		err := callX(t.Context(), t, base, httpkit.ErrorDecoder(func(resp *http.Response, body []byte) error {
			if resp.StatusCode != 409 || string(body) != "E42" {
				t.Errorf("got %d %q", resp.StatusCode, body)
			}
			return tt.give
		}))
		if endpoint.CodeOf(err) != tt.code || tt.give != nil && !errors.Is(err, errTaken) {
			t.Errorf("%v: got %v", tt.give, err)
		}
	}
}

func TestClientCodec(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Type", r.Header.Get("Content-Type"))
		_, _ = io.WriteString(w, strings.ToUpper(r.URL.Path+string(text)))
	})
	c := dial(t, base)
	encode := func(r *http.Request, o clientOrder) error {
		data, err := xml.Marshal(o.Items)
		httpkit.SetBody(r, "application/xml", data)
		return err
	}
	decode := func(resp *http.Response) (string, error) {
		text, err := io.ReadAll(resp.Body)
		return resp.Header.Get("X-Type") + " " + string(text), err
	}
	put := httpkit.NewCodecEndpoint(c, "PUT /orders/{id}", encode, decode)
	got, err := put(t.Context(), clientOrder{ID: "a", Items: []int{7}})
	if want := "application/xml /ORDERS/A<INT>7</INT>"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	mixed := httpkit.NewCodecEndpoint(c, "PUT /orders/{id}", httpkit.EncodeJSONRequest[clientOrder], decode)
	got, err = mixed(t.Context(), clientOrder{ID: "a", Name: "x"})
	if want := `application/json /ORDERS/A{"NAME":"X","ITEMS":NULL}`; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	errBad := errors.New("bad")
	bad := httpkit.NewCodecEndpoint(c, "PUT /orders/{id}", func(*http.Request, clientOrder) error { return errBad }, decode)
	if _, err := bad(t.Context(), clientOrder{ID: "a"}); endpoint.CodeOf(err) != endpoint.Internal || !errors.Is(err, errBad) {
		t.Errorf("got %v", err)
	}
	bad2 := httpkit.NewCodecEndpoint(c, "GET /x", func(*http.Request, []byte) error { return nil },
		func(*http.Response) (string, error) { return "half", errBad })
	if got, err := bad2(t.Context(), nil); got != "" || endpoint.CodeOf(err) != endpoint.Internal || !errors.Is(err, errBad) {
		t.Errorf("got %q, %v", got, err)
	}
}
