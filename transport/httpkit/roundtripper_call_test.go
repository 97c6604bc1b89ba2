package httpkit_test

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// traced writes a trace as a tracer does.
type traced struct{}

func (traced) Inject(_ context.Context, out call.Carrier) {
	out.Set("traceparent", "of the context")
	out.Set("tracestate", "")
}
func (traced) Replaces(key string) bool { return key == "traceparent" }

// What travels with a call does so with a plain HTTP client too.
func TestRoundTripperSendsTheCall(t *testing.T) {
	var came atomic.Pointer[http.Header]
	base, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		came.Store(&h)
	})
	client := balanced(t, lb.RoundRobin(), base)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	ctx = call.With(ctx, call.RequestID("r1"), call.CorrelationID("c1"), call.Value("tenant", "acme"),
		call.Priority(call.Sheddable), call.Value("traceparent", "stale"), call.InjectedBy(traced{}))
	send := func(ctx context.Context, url string, headers http.Header) http.Header {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = headers
		resp, err := client.Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return *came.Load()
	}
	got := send(ctx, "http://stringsvc", nil)
	for key, want := range map[string]string{
		call.RequestIDKey: "r1", call.CorrelationIDKey: "c1", call.PriorityKey: "sheddable", "Tenant": "acme",
		call.TraceparentKey: "of the context",
	} {
		if len(got[key]) != 1 || got.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if ms, err := strconv.Atoi(got.Get(call.TimeoutKey)); err != nil || ms < 3_000_000 || ms > 3_600_000 {
		t.Errorf("the time left is %q, want close to an hour", got.Get(call.TimeoutKey))
	}

	mine := http.Header{"X-Request-Id": {"mine"}, "Accept": {"text/plain"}, "Traceparent": {"older"}, "Tracestate": {"of=older"}}
	got = send(ctx, "http://stringsvc", mine)
	if got.Get("X-Request-Id") != "mine" || got.Get("Tenant") != "acme" {
		t.Errorf("a request with headers of its own is sent as %v", got)
	}
	if trace := got["Traceparent"]; len(trace) != 1 || trace[0] != "of the context" {
		t.Errorf("a request with a trace of its own is sent with %q and not that of the context", trace)
	}
	if state, there := got["Tracestate"]; there {
		t.Errorf("the state of the request's own trace is sent beside that of the context: %q", state)
	}
	if len(mine) != 4 || mine.Get("X-Request-Id") != "mine" || mine.Get("Traceparent") != "older" {
		t.Errorf("the request's own headers became %v", mine)
	}
	bounded, end := context.WithTimeout(t.Context(), time.Hour)
	defer end()
	if got := send(bounded, "http://stringsvc", nil); got.Get(call.TimeoutKey) == "" {
		t.Errorf("a deadline without a call is not sent: %v", got)
	}
	for name, got := range map[string]http.Header{
		"no call":    send(t.Context(), "http://stringsvc", http.Header{}),
		"other host": send(ctx, base, http.Header{}),
	} {
		for _, key := range []string{call.RequestIDKey, call.TimeoutKey, call.TraceparentKey, "Tenant"} {
			if got.Get(key) != "" {
				t.Errorf("%s: %s is sent: %v", name, key, got)
			}
		}
	}
}
