package httpkit_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/dowelkit/dowel/lb"
)

// A request is in flight until the end of its answer.
func TestRoundTripperInFlight(t *testing.T) {
	more := make(chan struct{})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/cut":
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
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
		lasts              bool // so that the latency ends with the headers
	}{
		{"no body", "GET", "/empty", 0, func(r *http.Response) { r.Body.Close() }, lb.Served, false},
		{"head", "HEAD", "/", 0, func(r *http.Response) { r.Body.Close() }, lb.Served, false},
		{"end of the body", "GET", "/", 1, func(r *http.Response) { io.Copy(io.Discard, r.Body) }, lb.Served, false},
		{"end and close", "GET", "/", 1, func(r *http.Response) {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			r.Body.Close()
		}, lb.Served, false},
		{"close", "GET", "/slow", 1, func(r *http.Response) { r.Body.Close() }, lb.Served, true},
		{"cut off", "GET", "/cut", 1, func(r *http.Response) { io.Copy(io.Discard, r.Body) }, lb.Faulted, true},
		{"end of the context", "GET", "/slow", 1, func(*http.Response) { cancel() }, lb.Canceled, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWitness()
			client := balanced(t, w, base)
			resp := get(ctx, client, tt.method, tt.path)
			if n := w.node.InFlight(); n != tt.during {
				t.Errorf("%d in flight during the body, want %d", n, tt.during)
			}
			if tt.lasts {
				if len(w.results()) == 0 {
					t.Fatal("of the headers nothing is told")
				}
				if <-w.noted; !w.notes[0].Answering || w.notes[0].Result != lb.Served || w.node.Lasting() != 1 {
					t.Errorf("of the headers it is told %+v, %d last", w.notes, w.node.Lasting())
				}
				w.notes = nil
			}
			tt.end(resp)
			<-w.noted // the context's end is told by a goroutine
			if n, got := w.node.InFlight(), w.results(); n != 0 || len(got) != 1 || got[0] != tt.result {
				t.Errorf("%d in flight after it, results %v, want one %v", n, got, tt.result)
			}
			if got := w.notes[0]; got.Open != tt.lasts || got.Answering || w.node.Lasting() != 0 {
				t.Errorf("it is told %+v, %d last", got, w.node.Lasting())
			}
		})
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
	if w.node.InFlight() != 1 || w.node.Lasting() != 1 {
		t.Error("not in flight, or not for long")
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
