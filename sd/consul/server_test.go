package consul_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// dial returns a client of the agent at addr. Its connections end with the test.
func dial(t testing.TB, addr string, change ...func(*api.Config)) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = addr
	for _, c := range change {
		c(config)
	}
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(config.Transport.CloseIdleConnections)
	return client
}

func token(secret string) func(*api.Config) { return func(c *api.Config) { c.Token = secret } }

// mortal is a transport by which some registrants are dead.
type mortal struct {
	http.RoundTripper
	mu   sync.Mutex
	dead []string
}

func (m *mortal) config(c *api.Config) {
	m.RoundTripper = c.Transport
	c.HttpClient = &http.Client{Transport: m}
}

func (m *mortal) kill(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = append(m.dead, id)
}

// RoundTrip lets nothing of the dead through. To deregister they succeed.
func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Method == http.MethodPut && r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.dead {
		if !strings.Contains(r.URL.Path, ":"+id+":") && !bytes.Contains(body, []byte(`"`+id+`"`)) {
			continue
		}
		if strings.Contains(r.URL.Path, "/deregister/") {
			return answer(200, "")
		}
		return nil, errors.New("the registrant is dead")
	}
	rt := m.RoundTripper
	m.mu.Unlock()
	defer m.mu.Lock()
	return rt.RoundTrip(r)
}

// pair returns both sides of a service on one client.
func pair(t testing.TB, client *api.Client, service string, watch []consul.WatchOption, register []consul.RegisterOption) (sd.Instancer, sd.Registrar) {
	t.Helper()
	i, err := consul.NewInstancer(client, service, watch...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := consul.NewRegistrar(client, service, register...)
	if err != nil {
		t.Fatal(err)
	}
	return i, r
}

// operator is somebody with a client of his own.
type operator struct {
	*api.Client
	service string
}

// entry returns the ID in Consul of an instance's registration with the agent.
func (o operator) entry(id string) (string, error) {
	found, err := o.Agent().ServicesWithFilter(fmt.Sprintf("Service == %q and Meta[%q] == %q", o.service, consul.MetaID, id))
	if err != nil {
		return "", err
	}
	for id := range found {
		return id, nil
	}
	return "", fmt.Errorf("the agent has no instance %s of %s", id, o.service)
}

func (o operator) delete(t *testing.T, id string) {
	t.Helper()
	entry, err := o.entry(id)
	if err == nil {
		err = o.Agent().ServiceDeregister(entry)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// expire makes the agent believe that there was no heartbeat for too long.
func (o operator) expire(t *testing.T, id string) {
	t.Helper()
	entry, err := o.entry(id)
	if err != nil {
		t.Fatal(err)
	}
	checks, err := o.Agent().ChecksWithFilter(fmt.Sprintf("ServiceID == %q", entry))
	if err != nil || len(checks) != 1 {
		t.Fatalf("the checks of %s are %v: %v", id, checks, err)
	}
	for check := range checks {
		if err := o.Agent().UpdateTTL(check, "expired", api.HealthCritical); err != nil {
			t.Fatal(err)
		}
	}
}

// plant writes an entry to the catalog past any agent, and returns what removes it.
func (o operator) plant(t *testing.T, s *api.AgentService) (remove func()) {
	t.Helper()
	node := "node-of-" + o.service
	s.Service = o.service
	_, err := o.Catalog().Register(&api.CatalogRegistration{Node: node, Address: "192.0.2.1", Service: s}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := o.Catalog().Deregister(&api.CatalogDeregistration{Node: node}, nil); err != nil {
			t.Error(err)
		}
	}
}

// cuts are the ways in which the network to a client fails.
func cuts(p *testserver.Proxy) map[string]func(*testing.T) func() {
	cut := func(d testserver.Direction) func(*testing.T) func() {
		return func(*testing.T) func() { p.Cut(d); return p.Heal }
	}
	return map[string]func(*testing.T) func(){
		"to the agent": cut(testserver.ToServer),
		"to us":        cut(testserver.ToClient),
		"both ways":    cut(testserver.BothWays),
		"reset":        func(*testing.T) func() { p.Refuse(); p.Reset(); return p.Heal },
	}
}
