package consul_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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

// TestLateRegistration: what the agent took after we had given up on it stands, and is
// not made again.
func TestLateRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		late := true
		a.fault = func(r *http.Request) (*http.Response, error) {
			if !late || !strings.HasSuffix(r.URL.Path, "/register") {
				return nil, nil
			}
			late = false
			body, _ := io.ReadAll(r.Body)
			a.mu.Unlock()
			<-r.Context().Done()
			a.mu.Lock()
			a.service = new(api.AgentServiceRegistration)
			if err := json.Unmarshal(body, a.service); err != nil {
				t.Error(err)
			}
			return nil, r.Context().Err()
		}
		r, err := registrar(t, &a).Register(t.Context(), sd.Instance{Addr: "h.example:80"})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.registered) != 0 || len(a.beats) != 1 || !r.State().Registered {
			t.Errorf("it registered %d times more and sent %d heartbeats", len(a.registered), len(a.beats))
		}
		if err := r.Deregister(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOvertaken: a request that reaches the agent after a later one does not have the
// last word.
func TestOvertaken(t *testing.T) {
	for name, opts := range map[string][]consul.RegisterOption{"heartbeats": nil, "own check": own()} {
		t.Run(name, func(t *testing.T) { overtaken(t, opts) })
	}
}

func overtaken(t *testing.T, opts []consul.RegisterOption) {
	kept(t, opts, func(t *testing.T, a *agent, r *sd.Registration) {
		var late api.AgentServiceRegistration
		a.with(func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if late.ID != "" || !strings.HasSuffix(r.URL.Path, "/register") {
					return nil, nil
				}
				if err := json.NewDecoder(r.Body).Decode(&late); err != nil {
					t.Error(err)
				}
				return a.hang(r)
			}
		})
		in := r.Instance()
		in.Weight = 6
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Update(ctx, in); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update returns %v", err)
		}
		in.Weight = 7
		if err := r.Update(t.Context(), in); err != nil {
			t.Error(err)
		}
		a.with(func(a *agent) { a.service = &late })
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if weight := a.service.Weights.Passing; weight != 7 || a.service.Checks != nil {
			t.Errorf("the agent has the weight %d and the fuse %v; want the last, 7, and none", weight, a.service.Checks)
		}
	})
}

// TestOvertakenByItsLike: the same, of two requests that say the same. The late one has
// a fuse that must not burn down.
func TestOvertakenByItsLike(t *testing.T) {
	kept(t, own(), func(t *testing.T, a *agent, r *sd.Registration) {
		var late api.AgentServiceRegistration
		a.with(func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if late.ID != "" || !strings.HasSuffix(r.URL.Path, "/register") {
					return nil, nil
				}
				if err := json.NewDecoder(r.Body).Decode(&late); err != nil {
					t.Error(err)
				}
				return a.hang(r)
			}
		})
		in := r.Instance()
		in.Weight = 7
		if err := r.Update(t.Context(), in); err != nil {
			t.Error(err)
		}
		a.with(func(a *agent) { a.service = &late })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if late.Weights == nil || late.Weights.Passing != 7 || a.service.Checks != nil {
			t.Errorf("the late request was %+v, and the agent has the fuse %v", late, a.service.Checks)
		}
	})
}

// TestSlowRegister: an agent that takes long is not told again and again.
func TestSlowRegister(t *testing.T) {
	kept(t, nil, func(t *testing.T, a *agent, r *sd.Registration) {
		tries := 0
		a.with(func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, "/register") {
					return nil, nil
				}
				tries++
				a.mu.Unlock()
				defer a.mu.Lock()
				select {
				case <-time.After(8 * time.Second):
					return nil, nil
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
		})
		in := r.Instance()
		in.Weight = 6
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Update(ctx, in); err != nil || tries != 2 {
			t.Errorf("after %d tries Update returns %v; want 2", tries, err)
		}
	})
}

// TestLostUpdate: a change that the agent never got is made again, though the agent
// knows the instance as it was before.
func TestLostUpdate(t *testing.T) {
	for name, opts := range map[string][]consul.RegisterOption{"heartbeats": nil, "own check": own()} {
		t.Run(name, func(t *testing.T) {
			kept(t, opts, func(t *testing.T, a *agent, r *sd.Registration) {
				lost := false
				a.with(func(a *agent) {
					a.fault = func(r *http.Request) (*http.Response, error) {
						if lost || !strings.HasSuffix(r.URL.Path, "/register") {
							return nil, nil
						}
						lost = true
						return nil, errDown
					}
				})
				in := r.Instance()
				in.Weight = 6
				err := r.Update(t.Context(), in)
				if !lost || err != nil || a.service.Weights.Passing != 6 {
					t.Errorf("Update returns %v, and the agent has %+v", err, a.service.Weights)
				}
			})
		})
	}
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
