package httpkit_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/transport/httpkit"
)

func TestNewClientFaults(t *testing.T) {
	nils := []httpkit.ClientOption{
		nil, httpkit.HTTPClient(nil), httpkit.ClientTimeout(-1), httpkit.MaxResponse(0), httpkit.MaxResponse(-1),
		httpkit.ClientBefore(nil), httpkit.ClientAfter(nil), httpkit.ClientFinally(nil), httpkit.ErrorDecoder(nil),
	}
	faults := []string{
		"option 1 is nil", "HTTPClient: the client is nil", "ClientTimeout: must not be negative: -1ns",
		"MaxResponse: must be positive, not 0", "MaxResponse: must be positive, not -1", "ClientBefore: the hook is nil",
		"ClientAfter: the hook is nil", "ClientFinally: the hook is nil", "ErrorDecoder: the decoder is nil",
	}
	tests := []struct {
		base string
		opts []httpkit.ClientOption
		want []string
	}{
		{"", nil, []string{"must begin with http://", "no host"}},
		{"localhost:80", nil, []string{`must begin with http:// or https://, not "localhost:"`, "no host"}},
		{"ftp://host", nil, []string{`not "ftp:"`}},
		{"http://", nil, []string{"no host"}},
		{"http://:80", nil, []string{"no host"}},
		{"http://host:port", nil, []string{"malformed"}},
		{"http://ho st", nil, []string{"malformed"}},
		{"http://host/%zz", nil, []string{"malformed"}},
		{"http://host?x=1#y", nil, []string{"neither query nor fragment"}},
		{"file:///x?", nils, append(faults, `not "file:"`, "no host", "neither query")},
	}
	for _, tt := range tests {
		c, err := httpkit.NewClient(tt.base, tt.opts...)
		if err == nil || c != nil {
			t.Errorf("%q: got %v, %v", tt.base, c, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
	}
	for _, base := range []string{"http://host", "https://host:8443/a%2Fb/", "http://[::1]:80", "http://[fe80::1%25eth0]:80"} {
		if _, err := httpkit.NewClient(base); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// panics returns what f panics with.
func panics(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

func TestNewEndpointFaults(t *testing.T) {
	c := dial(t, "http://host")
	type untagged struct{ ID string }
	newOf := func(pattern string) func() {
		return func() { httpkit.NewEndpoint[clientFile, clientWord](c, pattern) }
	}
	tests := []struct {
		f    func()
		want []string
	}{
		{newOf(""), []string{"a method, a space and a path"}},
		{newOf("/{name}"), []string{"a method, a space and a path"}},
		{newOf("GET x/{name}"), []string{"must begin with a slash"}},
		{newOf("GET host/{name}"), []string{"must begin with a slash"}},
		{newOf("G(T /{name}"), []string{"no valid method"}},
		{newOf("GET /{name"), []string{`"{name" is no wildcard`}},
		{newOf("GET /x{name}"), []string{`"x{name}" is no wildcard`}},
		{newOf("GET /{}"), []string{"is no wildcard"}},
		{newOf("GET /{a b}"), []string{"is no wildcard"}},
		{newOf("GET /{name...}/x"), []string{"must be the last segment"}},
		{newOf("GET /{$}/{name}"), []string{"is no wildcard"}},
		{newOf("GET /{name}/{name}"), []string{`the wildcard "name" twice`}},
		{newOf("GET /a//{name}"), []string{"servers resolve"}},
		{newOf("GET /../{name}"), []string{"servers resolve"}},
		{newOf("GET /%zz/{name}"), []string{"invalid URL escape"}},
		{newOf("GET /x"), []string{`no wildcard for the field with the tag path:"name"`}},
		{newOf("GET /{name}/{id}"), []string{`no field of the request has the tag path:"id"`}},
		{func() { httpkit.NewEndpoint[untagged, clientWord](c, "GET /x") }, []string{"a GET request has no body"}},
		{func() { httpkit.NewEndpoint[string, clientWord](c, "HEAD /x") }, []string{"a HEAD request has no body"}},
		{
			func() {
				httpkit.NewEndpoint[clientFile, clientWord](nil, "G(T /{id}/{id}", nil, httpkit.ClientTimeout(-1))
			},
			[]string{"httpkit: NewEndpoint: the client is nil; option 1 is nil; ClientTimeout", "no valid method", "twice"},
		},
		{
			func() {
				var encode func(*http.Request, clientFile) error
				var decode func(*http.Response) (int, error)
				httpkit.NewCodecEndpoint(c, "GET /", encode, decode)
			},
			[]string{"httpkit: NewCodecEndpoint: encode is nil; decode is nil; the pattern"},
		},
	}
	for i, tt := range tests {
		text := panics(tt.f)
		for _, want := range tt.want {
			if !strings.Contains(text, want) || strings.Contains(text, "\n") {
				t.Errorf("%d: %q is not in %q", i, want, text)
			}
		}
	}
}

func TestClientRoutes(t *testing.T) {
	tests := []struct{ pattern, value, want string }{
		{"GET /", "", "/"},
		{"GET /a/b/", "", "/a/b/"},
		{"GET /a/{$}", "", "/a/"},
		{"GET\t /a", "", ""},
		{"GET   /a", "", "/a"},
		{"GET /ü b/%2F/c", "", "/%C3%BC%20b/%2F/c"},
		{"GET /{x}", "a/b?c#d%", "/a%2Fb%3Fc%23d%25"},
		{"GET /a/{x}/b/{$}", "é", "/a/%C3%A9/b/"},
		{"GET /a/{x...}", "b/c d/", "/a/b/c%20d/"},
	}
	for _, tt := range tests {
		u, _, err := httpkit.FillRoute(tt.pattern, map[string]string{"x": tt.value})
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: got %v", tt.pattern, u)
			}
			continue
		}
		if err != nil || u.EscapedPath() != tt.want {
			t.Errorf("%q with %q: got %v, %v; want %q", tt.pattern, tt.value, u, err, tt.want)
		}
	}
}

// What the client makes of a pattern and a value, a ServeMux with the same pattern
// takes apart into the same value.
func FuzzClientRoute(f *testing.F) {
	f.Add("GET /users/{id}", "42")
	f.Add("PUT /a%2Fb/{x...}", "c/d e")
	f.Add("GET /{a}/{$}", "%2e%2E")
	f.Add("POST /ü/{b}/c", "?#")
	f.Add("GET /{$}", "")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		values := map[string]string{}
		_, names, err := httpkit.FillRoute(pattern, nil)
		if err != nil && names == nil {
			return // malformed
		}
		for _, name := range names {
			values[name] = value
		}
		u, _, err := httpkit.FillRoute(pattern, values)
		if err != nil || value == "." || value == ".." { // bindings refuse dot segments
			return
		}
		mux := http.NewServeMux()
		served := false
		method, _, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
			served = true
			for _, name := range names {
				if got := r.PathValue(name); got != value {
					t.Errorf("%q: %s is %q, want %q, by %s", pattern, name, got, value, u)
				}
			}
		})
		parsed, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q with %q makes %q: %v", pattern, value, u, err)
		}
		w := &discard{header: http.Header{}}
		mux.ServeHTTP(w, &http.Request{Method: method, URL: parsed, Host: "h", Header: http.Header{}})
		if !served {
			t.Errorf("%q with %q makes %q, which the mux does not serve: %d", pattern, value, u, w.status)
		}
	})
}

type discard struct {
	header http.Header
	status int
}

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) Write(p []byte) (int, error) { return len(p), nil }
func (w *discard) WriteHeader(status int)      { w.status = status }
