package zipkin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/dowelkit/dowel/tracing/zipkin"
)

// TestRedirects: spans that a redirect has left behind are not told as sent.
func TestRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var arrived atomic.Int64
		mux := http.NewServeMux()
		mux.Handle("/old", http.RedirectHandler("/new", status))
		mux.HandleFunc("/new", func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			arrived.Add(int64(len(body)))
		})
		server := httptest.NewServer(mux)
		e, err := zipkin.NewExporter(server.URL+"/old", server.Client())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.ExportSpans(t.Context(), batch()); (err == nil) != (arrived.Load() > 0) {
			t.Errorf("%d: %v, and %d bytes arrived", status, err, arrived.Load())
		}
		server.Close()
	}
}
