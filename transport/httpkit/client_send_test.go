package httpkit_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// A password of the base URL is sent, by the client's own transport and by the
// user's, and a hook may send something else.
func TestClientPassword(t *testing.T) {
	own := &http.Client{Transport: &http.Transport{}}
	defer own.CloseIdleConnections()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		fmt.Fprintf(w, `{"text":%q}`, name+" "+password+" "+r.Header.Get("X-Hook"))
	})
	base = strings.Replace(base, "http://", "http://user:secret@", 1)
	shared := http.Header{"X-Hook": {"shared"}}
	for _, tt := range []struct {
		name string
		hook func(r *http.Request) (*http.Request, error)
		want string
	}{
		{"no hook", func(r *http.Request) (*http.Request, error) { return r, nil }, "user secret "},
		{"another", func(r *http.Request) (*http.Request, error) { r.SetBasicAuth("me", "x"); return r, nil }, "me x "},
		{"no header", func(r *http.Request) (*http.Request, error) { r.Header = nil; return r, nil }, "user secret "},
		{"no password", func(r *http.Request) (*http.Request, error) {
			r.Header, r.URL.User = nil, nil
			return r, nil
		}, "  "},
		{"a header of many requests", func(r *http.Request) (*http.Request, error) {
			r.Header = shared
			return r, nil
		}, "user secret shared"},
	} {
		for i, opts := range [][]httpkit.ClientOption{nil, {httpkit.HTTPClient(own)}} {
			e := httpkit.NewEndpoint[struct{}, clientWord](dial(t, base, opts...), "GET /x", httpkit.ClientBefore(tt.hook))
			got, err := e(t.Context(), struct{}{})
			if got.Text != tt.want || err != nil {
				t.Errorf("%s, client %d: %q, %v", tt.name, i, got.Text, err)
			}
		}
	}
	if len(shared) != 1 {
		t.Errorf("the hook's own header has become %v", shared)
	}
}

// What a hook does to one request does not show in the next.
func TestClientRequestsShareNothing(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"text":%q}`, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Hook"))
	})
	first := make(chan struct{}, 1)
	first <- struct{}{}
	e := httpkit.NewEndpoint[struct{}, clientWord](dial(t, base), "GET /x", httpkit.ClientBefore(
		func(r *http.Request) (*http.Request, error) {
			select {
			case <-first:
				r.Method, r.URL.Path, r.URL.RawPath = "PUT", "/other", ""
				r.Header.Set("X-Hook", "first")
			default:
			}
			return r, nil
		}))
	for i, want := range []string{"PUT /other first", "GET /x ", "GET /x "} {
		if got, err := e(t.Context(), struct{}{}); got.Text != want || err != nil {
			t.Errorf("request %d: %q, %v", i, got.Text, err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := e(t.Context(), struct{}{}); got.Text != "GET /x " || err != nil {
				t.Errorf("%q, %v", got.Text, err)
			}
		})
	}
	wg.Wait()
}

// An answer of 3xx is an answer, whatever its Location.
func TestClientRedirectToNowhere(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://[")
		w.WriteHeader(http.StatusFound)
	})
	checkFailure(t, callX(t.Context(), t, base), endpoint.Unknown, "302")
}

func TestClientSchemeMismatch(t *testing.T) {
	base, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	err := callX(t.Context(), t, strings.Replace(base, "http:", "https:", 1))
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("error is %v", err)
	}
}
