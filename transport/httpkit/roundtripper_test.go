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

	"github.com/dowelkit/dowel/call"
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
