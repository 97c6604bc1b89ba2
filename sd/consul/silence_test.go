package consul_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd/consul"
)

// TestSilence: an agent that hangs while a query waits is an error within the time,
// and one that answers anything is not.
func TestSilence(t *testing.T) {
	tests := map[string]struct {
		question handler
		want     string // part of the error, or "" for none
	}{
		"hangs": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "the agent is silent: no answer within 5s"},
		"is gone":       {func(*http.Request) (*http.Response, error) { return nil, errDown }, "connection refused"},
		"answers":       {func(*http.Request) (*http.Response, error) { return answer(200, "[]", index(10), hasLeader) }, ""},
		"has no leader": {func(*http.Request) (*http.Response, error) { return answer(200, "[]", index(99)) }, ""},
		"refuses":       {func(*http.Request) (*http.Response, error) { return answer(403, "denied") }, ""},
		"fails":         {func(*http.Request) (*http.Response, error) { return answer(500, "no servers") }, ""},
		"talks":         {func(*http.Request) (*http.Response, error) { return answer(200, "<html>") }, ""},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				queries, questions := newCatalog(list(entry("a", "h", "80"))), 0
				events := watch(ctx, instancer(t, raw(func(r *http.Request) (*http.Response, error) {
					if !little(r) {
						return queries.serve(r)
					}
					questions++
					return c.question(r)
				}), consul.WatchWait(10*time.Minute)))
				if e := <-events; show(e) != "{a}" {
					t.Fatalf("it yields %s; want {a}", show(e))
				}
				start := time.Now()
				e, more := <-events
				took := time.Since(start)
				switch {
				case c.want == "" && more:
					t.Errorf("after %v it yields %s", took, show(e))
				case c.want == "" && (questions < 12 || questions > 16):
					t.Errorf("in a minute it asked %d times; want once in 4 to 5 s", questions)
				case c.want != "" && !errors.Is(e.err, consul.ErrSilent):
					t.Errorf("it yields %s; want ErrSilent", show(e))
				case c.want != "" && (e.err == nil || !strings.Contains(e.err.Error(), c.want) || took > 10*time.Second):
					t.Errorf("after %v it yields %s; want an error with %q within 10s", took, show(e), c.want)
				}
				if n := len(queries.all()); c.want == "" && n != 2 {
					t.Errorf("it made %d queries; want 2", n)
				}
				cancel()
				for range events {
				}
			})
		})
	}
}
