package httpkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/httpkit"
)

var _ http.RoundTripper = (*httpkit.RoundTripper)(nil)

// members returns an Instancer of the servers at these URLs.
func members(t testing.TB, bases ...string) sd.Instancer {
	t.Helper()
	registry := memory.NewRegistry()
	for i, base := range bases {
		in := *instanceAt(base)
		in.ID = fmt.Sprint("i", i)
		if _, err := registry.Registrar("s").Register(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return registry.Instancer("s")
}

// witness is a strategy that picks the first node and notes the outcomes.
type witness struct {
	mu    sync.Mutex
	node  *sd.Node
	notes []lb.Outcome
	noted chan struct{}
}

func newWitness() *witness { return &witness{noted: make(chan struct{}, 10)} }

func (w *witness) Picker(nodes []*sd.Node, _ lb.Picker) lb.Picker {
	w.node = nodes[0]
	return w
}

func (w *witness) Pick(context.Context, time.Duration) int { return 0 }

func (w *witness) Observe(_ int, o lb.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, o)
	w.noted <- struct{}{}
}

func (w *witness) results() (results []lb.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.notes {
		results = append(results, o.Result)
	}
	return results
}

// balanced returns an HTTP client that knows the servers as "stringsvc".
func balanced(t testing.TB, strategy lb.Strategy, bases ...string) *http.Client {
	t.Helper()
	rt := httpkit.NewRoundTripper(httpkit.Service("StringSvc", members(t, bases...), strategy, sd.DrainTimeout(0)))
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := rt.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: rt}
}

func TestRoundTripperBalances(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen[r.Context().Value(http.LocalAddrContextKey).(fmt.Stringer).String()]++
		fmt.Fprint(w, r.Method, " ", r.Host, " ", r.URL, " ", string(body))
	}
	a, _ := serve(t, h)
	b, _ := serve(t, h)
	client := balanced(t, lb.RoundRobin(), a, b)
	for range 10 {
		resp, err := client.Post("http://STRINGSVC/x?y=1", "text/plain", strings.NewReader("hi"))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "POST STRINGSVC /x?y=1 hi"; string(text) != want || resp.Request.URL.Host != "STRINGSVC" {
			t.Errorf("got %q by %v", text, resp.Request.URL)
		}
	}
	if len(seen) != 2 || seen[strings.TrimPrefix(a, "http://")] != 5 {
		t.Errorf("got %v", seen)
	}
	for _, other := range []string{a, b} { // every other host passes through
		resp, err := client.Get(other)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for host, want := range map[string]string{"vhost": "vhost", "": "stringsvc"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://stringsvc/", http.NoBody)
		r.Host = host
		resp, err := client.Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), " "+want+" ") {
			t.Errorf("the Host %q arrives as %q", host, text)
		}
		resp.Body.Close()
		if r.Host != host || r.URL.Host != "stringsvc" {
			t.Error("the request was changed")
		}
	}
}

// A request is in flight until the end of its answer.
func TestRoundTripperInFlight(t *testing.T) {
	more := make(chan struct{})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/slow":
			_ = http.NewResponseController(w).Flush()
			select {
			case <-more:
			case <-r.Context().Done():
			}
			fallthrough
		default:
			_, _ = io.WriteString(w, "hello")
		}
	})
	get := func(ctx context.Context, c *http.Client, method, path string) *http.Response {
		r, _ := http.NewRequestWithContext(ctx, method, "http://stringsvc"+path, nil)
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	ctx, cancel := context.WithCancel(t.Context())
	tests := []struct {
		name, method, path string
		during             int64
		end                func(*http.Response)
		result             lb.Result
	}{
		{"no body", "GET", "/empty", 0, func(r *http.Response) { r.Body.Close() }, lb.Served},
		{"head", "HEAD", "/", 0, func(r *http.Response) { r.Body.Close() }, lb.Served},
		{"end of the body", "GET", "/", 1, func(r *http.Response) { io.Copy(io.Discard, r.Body) }, lb.Served},
		{"end and close", "GET", "/", 1, func(r *http.Response) {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			r.Body.Close()
		}, lb.Served},
		{"close", "GET", "/slow", 1, func(r *http.Response) { r.Body.Close() }, lb.Served},
		{"end of the context", "GET", "/slow", 1, func(*http.Response) { cancel() }, lb.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWitness()
			client := balanced(t, w, base)
			resp := get(ctx, client, tt.method, tt.path)
			if n := w.node.InFlight(); n != tt.during {
				t.Errorf("%d in flight during the body, want %d", n, tt.during)
			}
			tt.end(resp)
			<-w.noted // the context's end is told by a goroutine
			if n, got := w.node.InFlight(), w.results(); n != 0 || len(got) != 1 || got[0] != tt.result {
				t.Errorf("%d in flight after it, results %v, want one %v", n, got, tt.result)
			}
		})
	}
}

func TestRoundTripperFaults(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/503":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/500":
			http.Error(w, "oops", http.StatusInternalServerError)
		case "/429":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/404":
			http.NotFound(w, r)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "x")
			panic(http.ErrAbortHandler)
		}
	})
	tests := []struct {
		path       string
		result     lb.Result
		retryAfter time.Duration
	}{
		{"/", lb.Served, 0},
		{"/404", lb.Served, 0},
		{"/429", lb.Rejected, 0},
		{"/500", lb.Faulted, 0},
		{"/503", lb.Faulted, 7 * time.Second},
		{"/cut", lb.Faulted, 0},
		{"/refused", lb.Faulted, 0},
	}
	for _, tt := range tests {
		w := newWitness()
		at := base
		if tt.path == "/refused" {
			at = "http://" + refusedAddr(t)
		}
		resp, err := balanced(t, w, at).Get("http://stringsvc" + tt.path)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if len(w.notes) != 1 || w.notes[0].Result != tt.result || w.notes[0].RetryAfter != tt.retryAfter {
			t.Errorf("%s: got %+v, want %v", tt.path, w.notes, tt.result)
		}
	}
}

// An upgraded connection stays one that can be written to.
func TestRoundTripperUpgrade(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.CopyN(conn, rw, 4)
	})
	w := newWitness()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://stringsvc/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	resp, err := balanced(t, w, base).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("%T cannot be written to", resp.Body)
	}
	if w.node.InFlight() != 1 {
		t.Error("not in flight")
	}
	_, _ = io.WriteString(conn, "ping")
	if text, err := io.ReadAll(conn); string(text) != "ping" {
		t.Errorf("got %q, %v", text, err)
	}
	conn.Close()
	if w.node.InFlight() != 0 {
		t.Error("still in flight")
	}
}

func TestRoundTripperNobody(t *testing.T) {
	rt := httpkit.NewRoundTripper(httpkit.Service("stringsvc", members(t), lb.Random()))
	defer rt.Close()
	closed := &closing{Reader: strings.NewReader("x")}
	_, err := (&http.Client{Transport: rt}).Post("http://stringsvc/", "text/plain", closed)
	if !errors.Is(err, lb.ErrNoInstance) || !endpoint.IsNotProcessed(err) || !closed.closed {
		t.Errorf("got %v, body closed: %v", err, closed.closed)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := rt.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stringsvc") {
		t.Errorf("got %v", err)
	}
	// And a typed client over it passes the code and the marks on.
	c := dial(t, "http://stringsvc", httpkit.HTTPClient(&http.Client{Transport: rt}))
	_, err = httpkit.NewEndpoint[clientWord, clientWord](c, "POST /x")(t.Context(), clientWord{})
	e, _ := errors.AsType[*endpoint.Error](err)
	if e == nil || e.Code != endpoint.Unavailable || !e.NotProcessed || !e.Local || !errors.Is(err, lb.ErrNoInstance) {
		t.Errorf("got %#v", err)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// A caller that tries again by itself goes elsewhere: the call says where not to.
func TestRoundTripperAvoids(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }
	a, visitsA := serve(t, h)
	b, visitsB := serve(t, h)
	client := balanced(t, lb.RoundRobin(), a, b)
	ctx, record := call.Observe(call.With(t.Context(), call.Attempt(2, []string{"i0"})))
	for range 5 {
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://stringsvc/", nil)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if visitsA.Load() != 0 || visitsB.Load() == 0 || record.Instance() != "i1" {
		t.Errorf("%d and %d connections, last instance %q", visitsA.Load(), visitsB.Load(), record.Instance())
	}
}

func TestRoundTripperMisuse(t *testing.T) {
	text := panics(func() {
		httpkit.NewRoundTripper(nil, httpkit.Base(nil), httpkit.Service("", nil, nil),
			httpkit.Service("a", members(t), lb.Random(), nil), httpkit.Service("A", members(t), lb.Random()),
			httpkit.Service("a/b", members(t), lb.Random()))
	})
	for _, want := range []string{
		"httpkit: NewRoundTripper: option 1 is nil; Base is nil", `"" is no host`, "the instancer is nil", "the strategy is nil",
		`"a": option 1 is nil`, `"A" is there twice`, `"a/b" is no host`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if text := panics(func() { httpkit.NewRoundTripper() }); !strings.Contains(text, "there is no Service") {
		t.Errorf("got %q", text)
	}
}

func TestRoundTripperConcurrentSafe(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }
	a, _ := serve(t, h)
	b, _ := serve(t, h)
	client := balanced(t, lb.LeastRequest(), a, b)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://stringsvc/", nil)
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				if i%2 == 0 {
					go cancel() // beside the reading
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				cancel()
			}
		})
	}
	wg.Wait()
}

func TestRoundTripperClose(t *testing.T) {
	base, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	rt := httpkit.NewRoundTripper(httpkit.Service("stringsvc", members(t, base), lb.RoundRobin()))
	if err := rt.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := (&http.Client{Transport: rt}).Get("http://stringsvc/"); !errors.Is(err, lb.ErrNoInstance) {
		t.Errorf("got %v", err)
	}
	if err := rt.Ready(t.Context()); !errors.Is(err, sd.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func ExampleNewRoundTripper() {
	server := userServer()
	defer server.Close()
	registry := memory.NewRegistry()
	registration, err := registry.Registrar("users").Register(context.Background(), *instanceAt(server.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registration.Deregister(context.Background())

	rt := httpkit.NewRoundTripper(httpkit.Service("users", registry.Instancer("users"), lb.LeastRequest()))
	defer rt.Close()
	if err := rt.Ready(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: rt} // any HTTP client
	resp, err := client.Get("http://users/users/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: {"name":"Ada"}
	//  <nil>
}
