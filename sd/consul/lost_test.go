package consul_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

func TestHeartbeats(t *testing.T) {
	kept(t, []consul.RegisterOption{consul.RegisterTTL(12 * time.Second)}, func(t *testing.T, a *agent, _ *sd.Registration) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		different := map[time.Duration]bool{}
		last := time.Time{}
		for _, beat := range a.beats {
			if !last.IsZero() {
				d := beat.Sub(last)
				if different[d] = true; d < 3*time.Second || d > 4*time.Second {
					t.Errorf("between two heartbeats are %v; want 3s to 4s", d)
				}
			}
			last = beat
		}
		t.Logf("%d heartbeats in 10 minutes with a TTL of 12s", len(a.beats))
		if len(a.registered) != 1 || len(a.beats) < 150 || len(different) < 100 {
			t.Errorf("%d registrations and %d heartbeats with %d different pauses", len(a.registered), len(a.beats), len(different))
		}
	})
}

// TestLost: what the agent has forgotten it is told again.
func TestLost(t *testing.T) {
	tests := map[string]struct {
		opts  []consul.RegisterOption
		lose  func(*agent)
		again bool
	}{
		"it forgot": {lose: func(a *agent) { a.service = nil }, again: true},
		"an old one says that it forgot": {lose: func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if len(a.registered) > 1 || !strings.Contains(r.URL.Path, "/check/") {
					return nil, nil
				}
				return answer(500, `CheckID "x" does not have associated TTL`)
			}
		}, again: true},
		"a late request undid the last": {lose: func(a *agent) { a.service.Check.CheckID = "service:web:a:x:9" }, again: true},
		"two connections are dead": {lose: func(a *agent) {
			n := 0
			a.fault = func(r *http.Request) (*http.Response, error) {
				if n++; n > 2 {
					return nil, nil
				}
				return a.hang(r)
			}
		}},
		"a proxy knows no route":    {lose: func(a *agent) { a.fault = once(404, "not found") }},
		"an error now and then":     {lose: func(a *agent) { a.fault = once(500, "busy") }},
		"refused now and then":      {lose: func(a *agent) { a.fault = once(403, "ACL not found") }},
		"Consul checks, and forgot": {opts: own(), lose: func(a *agent) { a.service = nil }, again: true},
		"Consul checks, and shows another": {opts: own(), lose: func(a *agent) {
			s := *a.service
			s.Port++
			a.service = &s
		}, again: true},
		"Consul checks, and all is well": {opts: own(), lose: func(*agent) {}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			kept(t, c.opts, func(t *testing.T, a *agent, r *sd.Registration) {
				time.Sleep(time.Minute)
				since := r.State().Since
				a.with(c.lose)
				time.Sleep(30 * time.Second)
				synctest.Wait()
				want := 1
				if c.again {
					want = 2
				} else if s := r.State().Since; !s.Equal(since) {
					t.Errorf("it is registered since %v and no longer since %v", s, since)
				}
				if state := r.State(); len(a.registered) != want || !state.Registered || state.Err != nil {
					t.Errorf("it registered %d times and is %+v; want %d", len(a.registered), state, want)
				}
			})
		})
	}
}

func once(status int, body string) func(*http.Request) (*http.Response, error) {
	done := false
	return func(*http.Request) (*http.Response, error) {
		if done {
			return nil, nil
		}
		done = true
		return answer(status, body)
	}
}

func own() []consul.RegisterOption {
	return []consul.RegisterOption{consul.RegisterCheck(func(in sd.Instance) api.AgentServiceCheck {
		return api.AgentServiceCheck{HTTP: "http://" + in.Addr + "/healthz", Interval: "10s", Status: api.HealthPassing}
	})}
}

// TestSlowAgent: who could not send heartbeats for long does not register again if the
// agent still knows it. If all did it would never recover.
func TestSlowAgent(t *testing.T) {
	kept(t, nil, func(t *testing.T, a *agent, r *sd.Registration) {
		a.with(func(a *agent) {
			a.fault = a.hang
		})
		time.Sleep(time.Minute)
		if state := r.State(); state.Registered {
			t.Errorf("without heartbeats for a minute it is %+v", state)
		}
		a.with(func(a *agent) { a.fault = nil })
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if state := r.State(); len(a.registered) != 1 || !state.Registered || state.Err != nil {
			t.Errorf("it registered %d times and is %+v; want once", len(a.registered), state)
		}
	})
}

// TestOutageOfTheAgent: the state says so once the TTL is over, and the instance is
// back soon after the agent.
func TestOutageOfTheAgent(t *testing.T) {
	kept(t, nil, func(t *testing.T, a *agent, r *sd.Registration) {
		tries := 0
		a.with(func(a *agent) {
			a.service = nil
			a.fault = func(*http.Request) (*http.Response, error) { tries++; return nil, errDown }
		})
		time.Sleep(9 * time.Second)
		if !r.State().Registered {
			t.Error("before the TTL is over it is no longer registered")
		}
		time.Sleep(16 * time.Second)
		if state := r.State(); state.Registered || !errors.Is(state.Err, errDown) {
			t.Errorf("25s into the outage it is %+v", state)
		}
		time.Sleep(time.Hour)
		var n int
		a.with(func(*agent) { n = tries })
		if n > 2600 {
			t.Errorf("in an hour it tried %d times", n)
		}
		a.with(func(a *agent) { a.fault = nil })
		time.Sleep(5 * time.Second)
		if state := r.State(); !state.Registered || a.service == nil {
			t.Errorf("5s after the outage it is %+v", state)
		}
	})
}
