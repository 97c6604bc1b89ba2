package consul_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// agent is as much of an agent as a registrar meets, and does what a test says.
type agent struct {
	mu         sync.Mutex
	registered []api.AgentServiceRegistration // all, one after the other
	service    *api.AgentServiceRegistration  // what it knows, nil: nothing
	beats      []time.Time
	fault      func(r *http.Request) (*http.Response, error) // nil: none; may return nil, nil
}

func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault != nil {
		if response, err := a.fault(r); response != nil || err != nil {
			return response, err
		}
	}
	switch path := r.URL.Path; {
	case path == "/v1/agent/service/register":
		body, _ := io.ReadAll(r.Body)
		var s api.AgentServiceRegistration
		if err := json.Unmarshal(body, &s); err != nil {
			return answer(400, err.Error())
		}
		a.registered = append(a.registered, s)
		a.service = &s
		return answer(200, "")
	case strings.HasPrefix(path, "/v1/agent/check/update/"):
		if a.service == nil || path != "/v1/agent/check/update/"+a.service.Check.CheckID {
			return answer(404, `Unknown check ID "x". Ensure that the check ID is passed, not the check name.`)
		}
		a.beats = append(a.beats, time.Now())
		return answer(200, "")
	case strings.HasPrefix(path, "/v1/agent/service/deregister/"):
		if a.service == nil || path != "/v1/agent/service/deregister/"+a.service.ID {
			return answer(404, `Unknown service ID "x".`)
		}
		a.service = nil
		return answer(200, "")
	case strings.HasPrefix(path, "/v1/agent/service/"):
		if a.service == nil {
			return answer(404, "unknown service ID: x")
		}
		s := a.service
		body, _ := json.Marshal(api.AgentService{
			ID: s.ID, Service: s.Name, Address: s.Address, Port: s.Port, Meta: s.Meta, Weights: *s.Weights})
		return answer(200, string(body))
	}
	return answer(404, "no such path")
}

// with runs f while the agent stands still.
func (a *agent) with(f func(*agent)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a)
}

func registrar(t testing.TB, h http.RoundTripper, opts ...consul.RegisterOption) *consul.Registrar {
	t.Helper()
	r, err := consul.NewRegistrar(client(t, h), "web", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kept registers in a bubble, calls f and deregisters.
func kept(t *testing.T, opts []consul.RegisterOption, f func(*testing.T, *agent, *sd.Registration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var a agent
		r, err := registrar(t, &a, opts...).Register(t.Context(), sd.Instance{ID: "a", Addr: "h.example:80", Weight: 3})
		if err != nil {
			t.Fatal(err)
		}
		f(t, &a, r)
		a.with(func(a *agent) { a.fault = nil })
		if err := r.Deregister(t.Context()); err != nil || a.service != nil {
			t.Errorf("Deregister returns %v and leaves %+v", err, a.service)
		}
	})
}

// TestRegistration pins what the agent is told.
func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		r, err := registrar(t, &a, consul.RegisterTags("x", "y"), consul.RegisterTTL(30*time.Second)).Register(t.Context(), sd.Instance{
			ID: "a/b", Addr: "[2001:db8::1]:80", Weight: 3, Zone: "z1", Meta: map[string]string{"version": "2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Deregister(t.Context()) }()
		got := a.registered[0]
		since := got.Meta[consul.MetaSince]
		if _, err := time.Parse(time.RFC3339Nano, since); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(got.ID, "web:a%2Fb:") || got.Check.CheckID != "service:"+got.ID+":0" {
			t.Errorf("the ID is %q, that of the check %q", got.ID, got.Check.CheckID)
		}
		got.ID, got.Check.CheckID = "", ""
		delete(got.Meta, consul.MetaSince)
		text, _ := json.Marshal(got)
		const want = `{"Name":"web","Tags":["x","y"],"Port":80,"Address":"2001:db8::1",` +
			`"Meta":{"dowel-id":"a/b","version":"2","zone":"z1"},"Weights":{"Passing":3,"Warning":1},` +
			`"Check":{"Name":"Heartbeat","TTL":"30s","Status":"passing","DeregisterCriticalServiceAfter":"1m0s"},"Checks":null}`
		if string(text) != want {
			t.Errorf("the agent is told\n%s; want\n%s", text, want)
		}
	})
}

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
		"a proxy knows no route":        {lose: func(a *agent) { a.fault = once(404, "not found") }},
		"an error now and then":         {lose: func(a *agent) { a.fault = once(500, "busy") }},
		"refused now and then":          {lose: func(a *agent) { a.fault = once(403, "ACL not found") }},
		"Consul checks, and forgot":     {opts: own(), lose: func(a *agent) { a.service = nil }, again: true},
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
				a.with(c.lose)
				time.Sleep(15 * time.Second)
				synctest.Wait()
				want := 1
				if c.again {
					want = 2
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
			a.fault = func(r *http.Request) (*http.Response, error) {
				a.mu.Unlock()
				<-r.Context().Done()
				a.mu.Lock()
				return nil, r.Context().Err()
			}
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

func TestRegisterRefuses(t *testing.T) {
	long := strings.Repeat("x", 513)
	many := make(map[string]string)
	for n := range 64 {
		many["k"+string(rune('0'+n/10))+string(rune('0'+n%10))] = ""
	}
	tests := map[string]struct {
		in   sd.Instance
		want []string
	}{
		"a dot in a key":     {sd.Instance{Meta: map[string]string{"a.b": ""}}, []string{`the key "a.b"`}},
		"an empty key":       {sd.Instance{Meta: map[string]string{"": ""}}, []string{`the key ""`}},
		"a key of Consul's":  {sd.Instance{Meta: map[string]string{"consul-x": ""}}, []string{"consul-"}},
		"a key of ours":      {sd.Instance{Meta: map[string]string{consul.MetaZone: "z"}}, []string{`"zone"`}},
		"a long key":         {sd.Instance{Meta: map[string]string{long: ""}}, []string{"513 bytes; Consul takes 128"}},
		"a long value":       {sd.Instance{Meta: map[string]string{"k": long}}, []string{`"k"`, "512 bytes"}},
		"a value not UTF-8":  {sd.Instance{Meta: map[string]string{"k": "\xff"}}, []string{`"k"`, "UTF-8"}},
		"a long ID":          {sd.Instance{ID: long}, []string{"dowel-id"}},
		"a long zone":        {sd.Instance{Zone: long}, []string{"zone"}},
		"too many pairs":     {sd.Instance{Meta: many}, []string{"Meta has 64 pairs; Consul has room for 62"}},
		"too much weight":    {sd.Instance{Weight: 65536}, []string{"65536 is above 65535"}},
		"all faults at once": {sd.Instance{Weight: 65536, Zone: long, Meta: map[string]string{"ü": ""}}, []string{"65536", "zone", `"ü"`}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			c.in.Addr = "h.example:80"
			var a agent
			_, err := registrar(t, &a).Register(t.Context(), c.in)
			if err == nil || len(a.registered) > 0 {
				t.Fatalf("Register returns %v, and the agent is told %d times", err, len(a.registered))
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) || len(err.Error()) > 1500 {
					t.Errorf("Register returns %.2000v; want a short text with %q", err, part)
				}
			}
		})
	}
}

// TestRefusals: what trying again cannot mend ends Register at once.
func TestRefusals(t *testing.T) {
	for status, permanent := range map[int]bool{
		400: true, 401: true, 403: true, 405: true, 413: true,
		404: false, 408: false, 425: false, 429: false, 500: false, 502: false, 503: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := agent{fault: func(*http.Request) (*http.Response, error) { return answer(status, "no") }}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			_, err := registrar(t, &a).Register(ctx, sd.Instance{Addr: "h.example:80"})
			if e, ok := errors.AsType[api.StatusError](err); !ok || e.Code != status {
				t.Errorf("%d: Register returns %v", status, err)
			}
			if d := time.Since(start); (d == 0) != permanent || errors.Is(err, context.DeadlineExceeded) == permanent {
				t.Errorf("%d: after %v Register returns %v", status, d, err)
			}
		})
	}
}

func TestDeregister(t *testing.T) {
	tests := map[string]struct {
		failures int
		status   int // 0: of the network
		tries    int
		gone     bool
	}{
		"at once":             {0, 0, 1, true},
		"a broken connection": {1, 0, 2, true},
		"busy twice":          {2, 500, 3, true},
		"an outage":           {99, 0, 3, false},
		"refused":             {99, 403, 1, false},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			kept(t, nil, func(t *testing.T, a *agent, r *sd.Registration) {
				tries := 0
				a.with(func(a *agent) {
					a.fault = func(*http.Request) (*http.Response, error) {
						switch tries++; {
						case tries > c.failures:
							return nil, nil
						case c.status != 0:
							return answer(c.status, "no")
						}
						return nil, io.EOF
					}
				})
				err := r.Deregister(t.Context())
				if (err == nil) != c.gone || tries != c.tries {
					t.Errorf("after %d tries Deregister returns %v", tries, err)
				}
			})
		})
	}
}

func TestConcurrentSafe(t *testing.T) {
	var a agent
	i, r := instancer(t, handler(newCatalog(list(entry("a", "h", "80"))).serve)), registrar(t, &a)
	var users sync.WaitGroup
	for n := range 8 {
		users.Go(func() {
			for range 20 {
				for range i.Watch(t.Context()) {
					break
				}
				registration, err := r.Register(t.Context(), sd.Instance{Addr: "h.example:80", Weight: n})
				if err != nil {
					t.Error(err)
					return
				}
				registration.State()
				if err := registration.Deregister(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	users.Wait()
}
