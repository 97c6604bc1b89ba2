package zipkin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// server stands for a Zipkin server: it takes what has the form of its API.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []map[string]any
	paths  map[string]bool
	status int
}

func serve(t testing.TB) *server {
	t.Helper()
	s := &server{status: http.StatusAccepted, paths: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var batch []map[string]any
	err := json.NewDecoder(r.Body).Decode(&batch)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.paths[r.URL.Path] = true
	s.spans = append(s.spans, batch...)
	w.WriteHeader(s.status)
}

func (s *server) received() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spans
}
