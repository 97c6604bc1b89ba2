package httpkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/dowelkit/dowel/transport/httpkit"
)

type sumRequest struct {
	A    int      `json:"a"`
	B    int      `json:"b"`
	Tags []string `json:"tags"`
}

type sumResponse struct {
	Sum  int      `json:"sum"`
	Tags []string `json:"tags"`
}

func sum(_ context.Context, r sumRequest) (sumResponse, error) {
	return sumResponse{Sum: r.A + r.B, Tags: r.Tags}, nil
}

// plainSum is what a careful person writes by hand: a bounded body, no answer
// before all of it is encoded, a length.
func plainSum(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "want JSON", http.StatusUnsupportedMediaType)
		return
	}
	var req sumRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
		http.Error(w, "bad JSON", http.StatusBadRequest)
		return
	}
	resp, err := sum(r.Context(), req)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	var buf bytes.Buffer
	if err := json.NewEncoder(&buf).Encode(resp); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	_, _ = w.Write(buf.Bytes())
}

const sumBody = `{"a":1,"b":2,"tags":["one","two","three"]}`

var sumHandlers = []struct {
	name    string
	handler http.Handler
}{
	{"plain", http.HandlerFunc(plainSum)},
	{"httpkit", httpkit.NewHandler(sum, httpkit.DecodeJSON, httpkit.EncodeJSON)},
}

func BenchmarkHandler(b *testing.B) {
	for _, h := range sumHandlers {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "/sum", strings.NewReader(sumBody))
				r.Header.Set("Content-Type", "application/json")
				h.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

func BenchmarkLoopback(b *testing.B) {
	for _, h := range sumHandlers {
		b.Run(h.name, func(b *testing.B) {
			server := httptest.NewServer(h.handler)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Post(server.URL, "application/json", strings.NewReader(sumBody))
					if err != nil {
						b.Error(err)
						return
					}
					if resp.StatusCode != http.StatusOK {
						b.Errorf("status %d", resp.StatusCode)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}
