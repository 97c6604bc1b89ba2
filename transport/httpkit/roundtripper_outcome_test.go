package httpkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

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
		case "/501":
			w.WriteHeader(http.StatusNotImplemented)
		case "/408":
			w.WriteHeader(http.StatusRequestTimeout)
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
		{"/501", lb.Served, 0},
		{"/408", lb.Faulted, 0},
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
