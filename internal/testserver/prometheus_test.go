package testserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

func TestPrometheusScrapesAndAnswers(t *testing.T) {
	t.Parallel()
	var scrapes atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			fmt.Fprintf(w, "# TYPE scrapes counter\nscrapes{kind=\"test\"} %d\n", scrapes.Add(1))
		}
	}))
	defer target.Close()
	p := testserver.NewPrometheus(t, target.Listener.Addr().String())

	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got, err := p.Query(t.Context(), `scrapes{kind="test"}`)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 1 && got[0].Value >= 2 && got[0].Labels["kind"] == "test" && got[0].Labels["__name__"] == "scrapes" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute and %d scrapes: %v", scrapes.Load(), got)
		}
	}
	if got, err := p.Query(t.Context(), "no such"); err == nil {
		t.Errorf("a malformed query: %v", got)
	}
}
