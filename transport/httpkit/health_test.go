package httpkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// ask returns status and body of what h answers.
func ask(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	return fmt.Sprintf("%d %s", w.Code, w.Body)
}

func expect(t *testing.T, h http.Handler, want string) {
	t.Helper()
	if got := ask(t, h); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHealth(t *testing.T) {
	expect(t, httpkit.Live(), `200 {"status":"live"}`)
	var r transport.Readiness
	var down atomic.Bool
	plain := httpkit.Ready(&r)
	checked := httpkit.Ready(&r,
		httpkit.Check("db", func(context.Context) error {
			if down.Load() {
				return errors.New("password authentication failed for user admin")
			}
			return nil
		}),
		httpkit.Check("cache", func(context.Context) error { return nil }))
	expect(t, plain, `503 {"status":"not ready"}`)
	expect(t, checked, `503 {"status":"not ready"}`)
	r.Set(true)
	expect(t, plain, `200 {"status":"ready"}`)
	expect(t, checked, `200 {"status":"ready","checks":{"cache":"ok","db":"ok"}}`)
	down.Store(true)
	expect(t, checked, `503 {"status":"not ready","checks":{"cache":"ok","db":"failed"}}`)
	down.Store(false)
	expect(t, checked, `200 {"status":"ready","checks":{"cache":"ok","db":"ok"}}`)
	panicking := httpkit.Ready(&r, httpkit.Check("x", func(context.Context) error { panic("oops") }))
	expect(t, panicking, `503 {"status":"not ready","checks":{"x":"failed"}}`)
}

// A check that hangs holds up neither the answer nor the next request, and is not
// started on top of itself.
func TestReadyHangingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r transport.Readiness
		r.Set(true)
		release := make(chan struct{})
		var runs atomic.Int64
		h := httpkit.Ready(&r, httpkit.ReadyTimeout(time.Second),
			httpkit.Check("hangs", func(context.Context) error { runs.Add(1); <-release; return nil }))
		start := time.Now()
		for range 3 {
			expect(t, h, `503 {"status":"not ready","checks":{"hangs":"failed"}}`)
		}
		if took := time.Since(start); took != 3*time.Second || runs.Load() != 1 {
			t.Errorf("%d runs in %v", runs.Load(), took)
		}
		close(release)
		synctest.Wait()
		expect(t, h, `200 {"status":"ready","checks":{"hangs":"ok"}}`)
	})
}

// Probes at the same time share one run, and one that hangs up does not end it for
// the others.
func TestReadySharesRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r transport.Readiness
		r.Set(true)
		var runs atomic.Int64
		h := httpkit.Ready(&r, httpkit.Check("slow", func(ctx context.Context) error {
			runs.Add(1)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
				return nil
			}
		}))
		ctx, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		})
		synctest.Wait()
		for range 3 {
			wg.Go(func() { expect(t, h, `200 {"status":"ready","checks":{"slow":"ok"}}`) })
		}
		hangUp()
		wg.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

// Nor does a request wait for a run that another one began since.
func TestReadyKeepsToItsOwnRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r transport.Readiness
		r.Set(true)
		takes := func(d time.Duration) func(context.Context) error {
			return func(context.Context) error { time.Sleep(d); return nil }
		}
		h := httpkit.Ready(&r, // in two seconds
			httpkit.Check("a", takes(1900*time.Millisecond)), httpkit.Check("b", takes(1500*time.Millisecond)))
		var wg sync.WaitGroup
		wg.Go(func() { expect(t, h, `200 {"status":"ready","checks":{"a":"ok","b":"ok"}}`) })
		time.Sleep(1600 * time.Millisecond)
		wg.Go(func() { expect(t, h, `200 {"status":"ready","checks":{"a":"ok","b":"ok"}}`) }) // begins b again
		wg.Wait()
	})
}

func TestReadyFaults(t *testing.T) {
	f := func(context.Context) error { return nil }
	text := panics(func() {
		httpkit.Ready(nil, nil, httpkit.Check("", f), httpkit.Check("a", nil), httpkit.Check("b", f), httpkit.Check("b", f),
			httpkit.ReadyTimeout(0), httpkit.ReadyLogger(nil))
	})
	for _, want := range []string{
		"httpkit: Ready: the readiness is nil", "option 1 is nil", `Check "":`, `Check "a":`, `Check "b" is there twice`,
		"ReadyTimeout: must be positive, not 0s", "ReadyLogger: the logger is nil",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

func ExampleReady() {
	var ready transport.Readiness // transport.Serve sets it, by transport.MarkReady
	mux := http.NewServeMux()
	mux.Handle("GET /livez", httpkit.Live())
	mux.Handle("GET /readyz", httpkit.Ready(&ready, httpkit.Check("db", func(context.Context) error { return nil })))
	server := httptest.NewServer(mux)
	defer server.Close()
	show := func() {
		resp, err := http.Get(server.URL + "/readyz")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Println(resp.StatusCode, string(body))
	}
	show()
	ready.Set(true)
	show()
	// Output:
	// 503 {"status":"not ready"}
	// 200 {"status":"ready","checks":{"db":"ok"}}
}

func ExampleLive() {
	w := httptest.NewRecorder()
	httpkit.Live().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"status":"live"}
}

func ExampleNewServer() {
	server := httpkit.NewServer(http.NotFoundHandler())
	server.WriteTimeout = 2 * time.Minute // for reports that take long
	fmt.Println(server.ReadHeaderTimeout, server.IdleTimeout)
	// Output: 5s 2m0s
}
