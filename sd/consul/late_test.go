package consul_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// lateRegister: a request to register that arrives when all is over leaves nothing for
// longer than a TTL.
func lateRegister(t *testing.T, addr string) {
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer well.Close()
	in := sd.Instance{ID: "a", Addr: well.Listener.Addr().String()}
	const ttl = 2 * time.Second
	for name, opts := range map[string][]consul.RegisterOption{
		"heartbeats": {consul.RegisterTTL(ttl)},
		"own check": {consul.RegisterTTL(ttl), consul.RegisterCheck(func(in sd.Instance) api.AgentServiceCheck {
			return api.AgentServiceCheck{HTTP: "http://" + in.Addr, Interval: "1s", Status: api.HealthPassing}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			slow := &slowPost{RoundTripper: http.DefaultTransport}
			o := operator{dial(t, addr, func(c *api.Config) { c.HttpClient = &http.Client{Transport: slow} }), "late"}
			i, _ := pair(t, dial(t, addr), o.service, nil, nil)
			_, r := pair(t, o.Client, o.service, nil, opts)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			events := watch(ctx, i)
			sees(t, events, "{}")
			short, stop := context.WithCancel(ctx)
			defer stop()
			slow.stop = stop
			if _, err := r.Register(short, in); !errors.Is(err, context.Canceled) {
				t.Fatalf("Register returns %v", err)
			}
			slow.arrive(t)
			sees(t, events, "{a}")
			took := sees(t, events, "{}")
			t.Logf("the ghost was there for %v", took)
			if took > ttl+8*time.Second { // a busy agent is late; without the bound it is minutes
				t.Errorf("the ghost was there for %v; want %v and a little", took, ttl)
			}
		})
	}
}

// slowPost keeps the first request to register until arrive. Who waits for it gives up
// when it was sent.
type slowPost struct {
	http.RoundTripper
	stop func()
	kept *http.Request
	body []byte
}

func (s *slowPost) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.kept != nil || !strings.HasSuffix(r.URL.Path, "/agent/service/register") {
		return s.RoundTripper.RoundTrip(r)
	}
	s.body, _ = io.ReadAll(r.Body)
	s.kept = r
	s.stop()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func (s *slowPost) arrive(t *testing.T) {
	r := s.kept.Clone(t.Context())
	r.Body = io.NopCloser(bytes.NewReader(s.body))
	response, err := s.RoundTripper.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
}
