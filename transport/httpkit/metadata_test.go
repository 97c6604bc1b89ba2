package httpkit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// seen returns a handler that hands out the context of each call.
func seen(opts ...httpkit.HandlerOption) (http.Handler, <-chan context.Context) {
	calls := make(chan context.Context, 1)
	e := func(ctx context.Context, _ struct{}) (struct{}, error) {
		calls <- ctx
		return struct{}{}, nil
	}
	return httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeNothing, opts...), calls
}

func TestRequestIDIsMadeAndReturned(t *testing.T) {
	h, calls := seen()
	url := start(t, "/", h)
	first, second := get(t, url).Header.Get("X-Request-Id"), call.From(<-calls).RequestID()
	if first == "" || first != second {
		t.Errorf("the caller reads %q, the call has %q", first, second)
	}
	if again := get(t, url).Header.Get("X-Request-Id"); again == first {
		t.Errorf("two calls have the ID %q", again)
	}
	<-calls
	if got := get(t, url, "X-Request-Id", "abc").Header.Get("X-Request-Id"); got != "abc" {
		t.Errorf("the caller sent abc and reads %q", got)
	}
}

func TestErrorsCarryTheRequestID(t *testing.T) {
	h := httpkit.NewHandler(fail(&endpoint.Error{Code: endpoint.NotFound}), httpkit.DecodeJSON, httpkit.EncodeJSON)
	if got := get(t, start(t, "/", h), "X-Request-Id", "abc").Header.Get("X-Request-Id"); got != "abc" {
		t.Errorf("the answer has the ID %q", got)
	}
}

func TestCallOfTheHeaders(t *testing.T) {
	h, calls := seen(httpkit.Allow("X-Tenant"))
	get(t, start(t, "/", h), "X-Correlation-Id", "batch", "X-Request-Priority", "sheddable", "X-Request-Retries", "2",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a=1", "Tracestate", "b=2",
		"X-Tenant", "acme", "X-Secret", "mine")
	c := call.From(<-calls)
	got := []string{c.CorrelationID(), c.Priority().String(), c.Value("traceparent"), c.Value("tracestate"), c.Value("x-tenant"), c.Value("x-secret")}
	want := []string{"batch", "sheddable", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=1,b=2", "acme", ""}
	if strings.Join(got, "|") != strings.Join(want, "|") || c.Retries() != 2 {
		t.Errorf("got %q and %d retries, want %q", got, c.Retries(), want)
	}
	if !strings.HasPrefix(c.Peer(), "127.0.0.1:") {
		t.Errorf("the peer is %q", c.Peer())
	}
}

func TestHostileMetadata(t *testing.T) {
	h, calls := seen(httpkit.Allow("X-Tenant"))
	long := strings.Repeat("a", 100_000)
	tests := map[string][]string{
		"long":    {long},
		"control": {"a\x01b", "a\r\nSet-Cookie: evil=1"},
		"foreign": {"\xff\xfe", "日本"},
		"spaces":  {" a "},
		"many":    strings.Split(strings.Repeat("a\r\n,", 5000), ","),
	}
	for name, values := range tests {
		for _, key := range []string{
			"X-Request-Id", "X-Correlation-Id", "X-Request-Timeout-Ms", "X-Request-Priority", "X-Request-Retries",
			"Traceparent", "Tracestate", "Baggage", "X-Tenant",
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header[key] = values
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			c := call.From(<-calls)
			if rec.Code != 204 || len(rec.Header()) != 1 {
				t.Errorf("%s %s: got %d, %v", name, key, rec.Code, rec.Header())
			}
			for _, v := range []string{c.RequestID(), c.CorrelationID(), c.Value(key)} {
				if len(v) > call.MaxTraceLen || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
					t.Errorf("%s %s: %.100q is believed", name, key, v)
				}
			}
		}
	}
}

// net/http bounds the headers as a whole; the handler must not stand in its way.
func TestTooManyHeaders(t *testing.T) {
	h, _ := seen()
	server := httptest.NewUnstartedServer(h)
	server.Config.MaxHeaderBytes = 4 << 10
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	r.Header.Set("X-Long", strings.Repeat("a", 1<<20))
	if a := send(t, r, err); a.StatusCode != 431 {
		t.Errorf("got %d", a.StatusCode)
	}
}

func TestDeadlines(t *testing.T) {
	tests := []struct {
		name   string
		header string
		opts   []httpkit.HandlerOption
		want   time.Duration // 0 is none
	}{
		{"none", "", nil, 0},
		{"the caller's", "1500", nil, 1500 * time.Millisecond},
		{"our own", "", []httpkit.HandlerOption{httpkit.HandlerTimeout(time.Second)}, time.Second},
		{"the sooner is ours", "1500", []httpkit.HandlerOption{httpkit.HandlerTimeout(time.Second)}, time.Second},
		{"the sooner is the caller's", "500", []httpkit.HandlerOption{httpkit.HandlerTimeout(time.Second)}, 500 * time.Millisecond},
		{"nonsense", "-5", nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				e := func(ctx context.Context, _ struct{}) (struct{}, error) {
					deadline, ok := ctx.Deadline()
					if !ok {
						return struct{}{}, nil
					}
					left = time.Until(deadline)
					<-ctx.Done()
					return struct{}{}, ctx.Err()
				}
				h := httpkit.NewHandler(e, httpkit.DecodeNothing, httpkit.EncodeNothing, test.opts...)
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				if test.header != "" {
					r.Header.Set("X-Request-Timeout-Ms", test.header)
				}
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				if left != test.want {
					t.Errorf("the call has %v, want %v", left, test.want)
				}
				if status := map[bool]int{true: 504, false: 204}[test.want > 0]; rec.Code != status {
					t.Errorf("the status is %d, want %d", rec.Code, status)
				}
			})
		})
	}
}

// A call that is over is not begun, and the caller learns that it was not.
func TestCallThatIsOverDoesNotBegin(t *testing.T) {
	h, calls := seen()
	p := get(t, start(t, "/", h), "X-Request-Timeout-Ms", "0").problem(t, 504, endpoint.DeadlineExceeded)
	if !p.NotProcessed {
		t.Error("it is not marked NotProcessed")
	}
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	if rec.Code != 499 || !strings.Contains(rec.Body.String(), `"not_processed":true`) {
		t.Errorf("after the caller hung up: %d %s", rec.Code, rec.Body)
	}
	if len(calls) != 0 {
		t.Error("the endpoint was called")
	}
}
