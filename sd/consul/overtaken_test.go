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

// hold lets the next registration hang, and returns where it is then.
func (a *agent) hold(t *testing.T) *api.AgentServiceRegistration {
	late := new(api.AgentServiceRegistration)
	a.with(func(a *agent) {
		a.fault = func(r *http.Request) (*http.Response, error) {
			if late.ID != "" || !strings.HasSuffix(r.URL.Path, "/register") {
				return nil, nil
			}
			if err := json.NewDecoder(r.Body).Decode(late); err != nil {
				t.Error(err)
			}
			return a.hang(r)
		}
	})
	return late
}

func overtaken(t *testing.T, opts []consul.RegisterOption) {
	kept(t, opts, func(t *testing.T, a *agent, r *sd.Registration) {
		late := a.hold(t)
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
		a.with(func(a *agent) { a.service = late })
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
		late := a.hold(t)
		in := r.Instance()
		in.Weight = 7
		if err := r.Update(t.Context(), in); err != nil {
			t.Error(err)
		}
		a.with(func(a *agent) { a.service = late })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if late.Weights == nil || late.Weights.Passing != 7 || a.service.Checks != nil {
			t.Errorf("the late request was %+v, and the agent has the fuse %v", *late, a.service.Checks)
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
