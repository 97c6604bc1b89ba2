package httpkit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

func TestProbe(t *testing.T) {
	probe := httpkit.Probe("/readyz?full=1")
	base, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/readyz?full=1" || r.Method != http.MethodGet {
			t.Errorf("got %s %s", r.Method, r.RequestURI)
		}
	})
	for range 2 {
		if err := probe(t.Context(), instanceAt(base)); err != nil {
			t.Error(err)
		}
	}
	if connections.Load() != 2 {
		t.Errorf("%d connections for two probes", connections.Load())
	}
	for _, status := range []int{302, 404, 503} {
		base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(status)
		})
		if err := probe(t.Context(), instanceAt(base)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	if err := probe(t.Context(), &sd.Instance{Addr: refusedAddr(t)}); err == nil {
		t.Error("nobody listens")
	}
	if err := probe(t.Context(), &sd.Instance{Addr: "no address"}); err == nil {
		t.Error("no address")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	silent := rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
	if err := probe(ctx, instanceAt(silent)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if text := panics(func() { httpkit.Probe("readyz") }); !strings.Contains(text, `"readyz" does not begin with a slash`) {
		t.Errorf("got %q", text)
	}
}

func instanceAt(base string) *sd.Instance {
	return &sd.Instance{Addr: strings.TrimPrefix(base, "http://")}
}

func ExampleProbe() {
	server := httptest.NewServer(httpkit.Live())
	defer server.Close()
	probe := httpkit.Probe("/livez")
	// instances = sd.HealthCheck(instances, probe)
	fmt.Println(probe(context.Background(), instanceAt(server.URL)))
	// Output: <nil>
}
