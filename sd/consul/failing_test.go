package consul_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
)

// unwilling is a fault: registrations fail, and nothing else.
func unwilling(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/register") {
		return answer(500, "no")
	}
	return nil, nil
}

// TestFailingUpdate: an agent that takes no registration for a while, and heartbeats,
// goes on being told that the instance lives.
func TestFailingUpdate(t *testing.T) {
	for _, ttl := range []time.Duration{3 * time.Second, 15 * time.Second, time.Minute} {
		t.Run(ttl.String(), func(t *testing.T) {
			kept(t, []consul.RegisterOption{consul.RegisterTTL(ttl)}, func(t *testing.T, a *agent, r *sd.Registration) {
				a.with(func(a *agent) {
					a.beats = append(a.beats, time.Now())
					a.fault = unwilling
				})
				in := r.Instance()
				in.Weight = 6
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				if err := r.Update(ctx, in); err == nil {
					t.Error("Update returns nil")
				}
				synctest.Wait()
				beats := append(a.beats, time.Now())
				for i, beat := range beats[1:] {
					if gap := beat.Sub(beats[i]); gap > ttl {
						t.Errorf("%v without a heartbeat", gap)
					}
				}
				if !r.State().Registered {
					t.Errorf("the state is %+v", r.State())
				}
			})
		})
	}
}

// TestFailingUpdateOfOwnCheck: Consul checks what stands, whose fuse is out.
func TestFailingUpdateOfOwnCheck(t *testing.T) {
	kept(t, own(), func(t *testing.T, a *agent, r *sd.Registration) {
		a.with(func(a *agent) { a.fault = unwilling })
		in := r.Instance()
		in.Weight = 6
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := r.Update(ctx, in); err == nil || !r.State().Registered {
			t.Errorf("Update returns %v, and the state is %+v", err, r.State())
		}
		a.with(func(a *agent) { a.service = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.State().Registered {
			t.Errorf("forgotten, the state is %+v", r.State())
		}
		a.with(func(a *agent) { a.fault = nil })
		if err := r.Update(t.Context(), in); err != nil || a.service.Weights.Passing != 6 {
			t.Errorf("Update returns %v, and the agent has %+v", err, a.service)
		}
	})
}

// TestOverwrittenAfterADoubt: of what is known to stand again another's change is noticed.
func TestOverwrittenAfterADoubt(t *testing.T) {
	kept(t, own(), func(t *testing.T, a *agent, r *sd.Registration) {
		answers := 0
		a.with(func(a *agent) {
			a.fault = func(r *http.Request) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, "/register") {
					return nil, nil
				}
				if answers++; answers == 2 { // it is taken
					if err := json.NewDecoder(r.Body).Decode(a.service); err != nil {
						t.Error(err)
					}
				}
				return answer(500, "no")
			}
		})
		in := r.Instance()
		in.Weight = 6
		if err := r.Update(t.Context(), in); err != nil || answers != 2 || a.service.Weights.Passing != 6 {
			t.Errorf("after %d answers Update returns %v, and the agent has %+v", answers, err, a.service)
		}
		a.with(func(a *agent) { a.fault, a.service.Weights.Passing = nil, 9 })
		time.Sleep(time.Minute)
		synctest.Wait()
		if weight := a.service.Weights.Passing; weight != 6 {
			t.Errorf("a minute later the agent has the weight %d", weight)
		}
	})
}

// TestUpdateInAnOutage: an agent that is away has the instance as critical after the TTL.
func TestUpdateInAnOutage(t *testing.T) {
	const ttl = time.Minute
	kept(t, []consul.RegisterOption{consul.RegisterTTL(ttl)}, func(t *testing.T, a *agent, r *sd.Registration) {
		a.with(func(a *agent) { a.fault = func(r *http.Request) (*http.Response, error) { return nil, errDown } })
		in := r.Instance()
		in.Weight = 6
		ctx, cancel := context.WithTimeout(t.Context(), ttl+20*time.Second)
		defer cancel()
		if err := r.Update(ctx, in); err == nil {
			t.Error("Update returns nil")
		}
		if state := r.State(); state.Registered {
			t.Errorf("the state is %+v", state)
		}
	})
}
