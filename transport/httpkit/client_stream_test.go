package httpkit_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/transport/httpkit"
)

// A body of the user's own that cannot be had again is not sent again, and least of
// all as an empty one: net/http would, on a connection that broke under the call.
func TestClientSendsNoOtherBody(t *testing.T) {
	stream := func(r *http.Request, text string) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), -1
	}
	tests := []struct {
		name   string
		encode func(r *http.Request, text string)
		hook   func(r *http.Request)
		want   []string
	}{
		{"a codec's", stream, nil, []string{"one", "two"}},
		{"a codec's, and a hook", stream, func(*http.Request) {}, []string{"one", "two"}},
		{"a hook's", func(*http.Request, string) {}, func(r *http.Request) { stream(r, "hook's") }, []string{"hook's", "hook's"}},
		{"none", func(*http.Request, string) {}, func(r *http.Request) {
			if body, err := r.GetBody(); body != http.NoBody || err != nil {
				t.Errorf("GetBody of no body gives %v, %v", body, err)
			}
		}, []string{"", "", ""}},
		{"of SetBody", func(r *http.Request, text string) { httpkit.SetBody(r, "", []byte(text)) }, nil, []string{"one", "two", "two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var bodies []string
			base, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				mu.Lock()
				bodies = append(bodies, string(text))
				cut := len(bodies) == 2
				mu.Unlock()
				if cut {
					panic(http.ErrAbortHandler)
				}
			})
			var opts []httpkit.ClientOption
			if tt.hook != nil {
				opts = append(opts, httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) { tt.hook(r); return r, nil }))
			}
			e := httpkit.NewCodecEndpoint(dial(t, base, opts...), "POST /x",
				func(r *http.Request, text string) error {
					tt.encode(r, text)
					r.Header.Set("Idempotency-Key", "1") // which net/http takes for leave to repeat
					return nil
				},
				func(*http.Response) (string, error) { return "done", nil })
			if _, err := e(t.Context(), "one"); err != nil {
				t.Fatal(err)
			}
			_, err := e(t.Context(), "two")
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(bodies, tt.want) || (err == nil) != (len(tt.want) == 3) {
				t.Errorf("the server got %q, want %q; the error is %v", bodies, tt.want, err)
			}
		})
	}
}

// A redirect that keeps the method is followed with no body if there was none, however
// a hook says so.
func TestClientFollowsWithoutABody(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			http.Redirect(w, r, "/y", http.StatusTemporaryRedirect)
		}
	})
	for name, body := range map[string]io.ReadCloser{"nil": nil, "NoBody": http.NoBody} {
		c := dial(t, base, httpkit.HTTPClient(new(http.Client)),
			httpkit.ClientBefore(func(r *http.Request) (*http.Request, error) { r.Body = body; return r, nil }))
		e := httpkit.NewCodecEndpoint(c, "POST /x", func(*http.Request, struct{}) error { return nil },
			func(r *http.Response) (string, error) { return r.Request.URL.Path, nil })
		if at, err := e(t.Context(), struct{}{}); at != "/y" || err != nil {
			t.Errorf("%s: it ends at %q, %v", name, at, err)
		}
	}
}
