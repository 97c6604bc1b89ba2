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
	case strings.HasPrefix(path, "/v1/agent/check/deregister/"):
		// Only a fuse is taken out.
		if a.service == nil || len(a.service.Checks) != 1 || path != "/v1/agent/check/deregister/"+a.service.Checks[0].CheckID {
			return answer(404, `Unknown check ID "x". Ensure that the check ID is passed, not the check name.`)
		}
		a.service.Checks = nil
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

// hang is for a fault: the request gets lost.
func (a *agent) hang(r *http.Request) (*http.Response, error) {
	a.mu.Unlock()
	<-r.Context().Done()
	a.mu.Lock()
	return nil, r.Context().Err()
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

// TestDeregister: without a deadline it returns, too.
func TestDeregister(t *testing.T) {
	const dead = -1
	tests := map[string]struct {
		failures int
		status   int // 0: of the network; dead: none at all
		tries    int
		gone     bool
	}{
		"at once":              {0, 0, 1, true},
		"a broken connection":  {1, 0, 2, true},
		"two dead connections": {2, dead, 3, true},
		"busy twice":           {2, 500, 3, true},
		"an outage":            {99, 0, 3, false},
		"a hanging agent":      {99, dead, 3, false},
		"refused":              {99, 403, 1, false},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			kept(t, nil, func(t *testing.T, a *agent, r *sd.Registration) {
				tries := 0
				a.with(func(a *agent) {
					a.fault = func(r *http.Request) (*http.Response, error) {
						switch tries++; {
						case tries > c.failures:
							return nil, nil
						case c.status == dead:
							return a.hang(r)
						case c.status != 0:
							return answer(c.status, "no")
						}
						return nil, io.EOF
					}
				})
				start := time.Now()
				err := r.Deregister(context.Background())
				if d := time.Since(start); (err == nil) != c.gone || tries != c.tries || d > 10*time.Second {
					t.Errorf("after %d tries and %v Deregister returns %v", tries, d, err)
				}
				if hangs := c.status == dead && !c.gone; errors.Is(err, sd.ErrTimeout) != hangs {
					t.Errorf("Deregister returns %v; is it sd.ErrTimeout: want %t", err, hangs)
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
