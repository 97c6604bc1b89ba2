package httpkit_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Whatever became of a call, its connection serves the next one. What is left of an
// answer must come soon for that, and on a busy machine it now and then does not.
func TestClientReusesConnections(t *testing.T) {
	errLazy := errors.New("has read enough")
	lazy := func(resp *http.Response) (string, error) {
		_, _ = resp.Body.Read(make([]byte, 1))
		_ = resp.Body.Close()
		return "", errLazy
	}
	tests := []struct {
		name   string
		status int
		size   int
		opts   []httpkit.ClientOption
		many   bool
	}{
		{name: "ok", status: 200, size: 1000},
		{name: "error", status: 500, size: 1000},
		{name: "hook fails", status: 200, size: 1000, opts: []httpkit.ClientOption{
			httpkit.ClientAfter(func(*http.Response) error { return errLazy }),
		}},
		{name: "too much to drain", status: 200, size: 1 << 20, many: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, strings.Repeat("x", tt.size))
			})
			e := httpkit.NewCodecEndpoint(dial(t, base, tt.opts...), "GET /x", httpkit.EncodeJSONRequest[struct{}], lazy)
			const calls = 10
			for range calls {
				if _, err := e(t.Context(), struct{}{}); err == nil {
					t.Error("no error")
				}
			}
			if n := connections.Load(); tt.many && n != calls || !tt.many && n > calls/2 {
				t.Errorf("%d connections for %d calls", n, calls)
			}
		})
	}
}

// A body that trickles is not waited for, although its deadline is far.
func TestClientDrainIsShort(t *testing.T) {
	var gone = make(chan struct{})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	done := func(*http.Response) (string, error) { return "done", nil }
	e := httpkit.NewCodecEndpoint(dial(t, base, httpkit.ClientTimeout(time.Hour)), "GET /x", httpkit.EncodeJSONRequest[struct{}], done)
	got, err := e(t.Context(), struct{}{})
	if err != nil || got != "done" {
		t.Errorf("got %q, %v", got, err)
	}
	<-gone
}

func TestClientClose(t *testing.T) {
	states := make(chan http.ConnState, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) { states <- s }
	server.Start()
	defer server.Close()
	own := &http.Client{Transport: &http.Transport{}}
	defer own.CloseIdleConnections()
	for _, opts := range [][]httpkit.ClientOption{{httpkit.HTTPClient(own)}, nil} {
		c, err := httpkit.NewClient(server.URL, opts...)
		if err != nil {
			t.Fatal(err)
		}
		e := httpkit.NewEndpoint[struct{}, clientWord](c, "GET /x")
		if _, err := e(t.Context(), struct{}{}); err != nil {
			t.Fatal(err)
		}
		for s := range states {
			if s == http.StateIdle {
				break
			}
		}
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if len(opts) > 0 { // the user's connection is still good
			if _, err := e(t.Context(), struct{}{}); err != nil {
				t.Fatal(err)
			}
			if s := <-states; s != http.StateActive {
				t.Errorf("the user's connection is %v", s)
			}
			<-states // idle
			continue
		}
		select { // sooner than the transport's own idle timeout
		case s := <-states:
			if s != http.StateClosed {
				t.Errorf("the connection is %v", s)
			}
		case <-time.After(20 * time.Second):
			t.Error("the connection is still open")
		}
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	other, visits := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other, http.StatusTemporaryRedirect)
	})
	checkFailure(t, callX(t.Context(), t, base), endpoint.Unknown, "307")
	if visits.Load() != 0 {
		t.Error("it followed")
	}
	own := &http.Client{Transport: &http.Transport{}}
	defer own.CloseIdleConnections()
	if err := callX(t.Context(), t, base, httpkit.HTTPClient(own)); err != nil || visits.Load() != 1 {
		t.Errorf("the user's client is not used as it is: %v", err)
	}
}
