package httpkit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Live returns a handler that answers 200 as long as the process serves at all.
// An orchestrator restarts what does not answer, so it depends on nothing else:
// a dependency that is down is no reason to restart.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, health{Status: "live"}, http.StatusOK)
	})
}

// Ready returns a handler that answers 200 while the service wants traffic and 503
// while it does not: r says no, or a check fails. A *transport.Readiness is an r;
// transport.Serve sets it.
//
// The checks run at the same time, for each request once, and for as long as
// [ReadyTimeout] at most. The answer names those that failed and not why: it is
// often read by strangers. That is in the log; see [ReadyLogger]. The answer is never
// cached. Ready panics if r or an option is nil, out of range or named twice.
func Ready(r interface{ Ready() bool }, opts ...ReadyOption) http.Handler {
	c := &readiness{timeout: 2 * time.Second}
	faults := []error{unless(r != nil, "the readiness is nil")}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(c))
	}
	refuse("Ready", faults)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !r.Ready() {
			writeHealth(w, health{Status: "not ready"}, http.StatusServiceUnavailable)
			return
		}
		results, ok := c.run(req.Context())
		if !ok {
			writeHealth(w, health{"not ready", results}, http.StatusServiceUnavailable)
			return
		}
		writeHealth(w, health{"ready", results}, http.StatusOK)
	})
}

// ReadyOption changes what [Ready] answers.
type ReadyOption func(*readiness) error

// Check adds a check: nil is well. f should heed its context. A check that still
// runs when the next request comes is not started again: both get its result.
func Check(name string, f func(ctx context.Context) error) ReadyOption {
	return func(r *readiness) error {
		if name == "" || f == nil {
			return fmt.Errorf("Check %q: the name is empty or the function is nil", name)
		}
		for _, c := range r.checks {
			if c.name == name {
				return fmt.Errorf("Check %q is there twice", name)
			}
		}
		r.checks = append(r.checks, &check{name: name, f: f})
		return nil
	}
}

// ReadyTimeout bounds the checks. The default is 2 s; it must be positive.
func ReadyTimeout(d time.Duration) ReadyOption {
	return func(r *readiness) error {
		r.timeout = d
		return unless(d > 0, "ReadyTimeout: must be positive, not %v", d)
	}
}

// health is the body of an answer.
type health struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks,omitempty"`
}

func writeHealth(w http.ResponseWriter, body health, status int) {
	data, _ := json.Marshal(body) // of strings
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
