package httpkit_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/dowelkit/dowel/transport/httpkit"
)

// An answer without a body is in flight until its headers, and the latency of one that is
// decompressed ends with them, whichever HTTP they came by.
func TestRoundTripperKnowsWhatHasNoBody(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("Content-Length", "5") // of what is not sent
			w.WriteHeader(http.StatusNotModified)
		case "/zipped":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "hello")
			_ = z.Close()
		default:
			_, _ = io.WriteString(w, "hello")
		}
	}
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		base, url := speaking(t, version, h)
		for _, tt := range []struct {
			method, path      string
			inFlight, lasting int64
		}{
			{"GET", "/empty", 0, 0},
			{"GET", "/204", 0, 0},
			{"GET", "/304", 0, 0},
			{"HEAD", "/", 0, 0},
			{"HEAD", "/204", 0, 0},
			{"GET", "/zipped", 1, 1},
			{"GET", "/", 1, 0},
		} {
			w := newWitness()
			rt := httpkit.NewRoundTripper(httpkit.Base(base), httpkit.Service("stringsvc", members(t, url), w))
			r, _ := http.NewRequestWithContext(t.Context(), tt.method, "http://stringsvc"+tt.path, nil)
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if n, lasting := w.node.InFlight(), w.node.Lasting(); resp.Proto != version || n != tt.inFlight || lasting != tt.lasting {
				t.Errorf("%s, %s %s: %d in flight, %d last; want %d and %d",
					resp.Proto, tt.method, tt.path, n, lasting, tt.inFlight, tt.lasting)
			}
			resp.Body.Close()
			if err := rt.Close(); err != nil || w.node.InFlight() != 0 {
				t.Errorf("Close returns %v, %d in flight", err, w.node.InFlight())
			}
		}
	}
}

// speaking serves one version of HTTP, and returns a transport for it.
func speaking(t *testing.T, version string, h http.HandlerFunc) (*http.Transport, string) {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(version == "HTTP/1.1")
	p.SetUnencryptedHTTP2(version == "HTTP/2.0")
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = p
	s.Start()
	t.Cleanup(s.Close)
	base := &http.Transport{Protocols: p}
	t.Cleanup(base.CloseIdleConnections)
	return base, s.URL
}
