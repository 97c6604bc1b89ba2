package consul_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// TestAgent is what the suite does not know of: Consul's own ways, at a real agent.
func TestAgent(t *testing.T) {
	t.Parallel()
	server := testserver.NewConsul(t)
	o := operator{dial(t, server.Addr()), "web"}
	t.Run("options", func(t *testing.T) { optionsOfTheWatch(t, o) })
	t.Run("maintenance", func(t *testing.T) { maintenance(t, o.Client, "kept") })
	t.Run("maintenance, own check", func(t *testing.T) { maintenance(t, o.Client, "watched", consul.RegisterCheck(always)) })
	t.Run("of services of their own", func(t *testing.T) { // they wait, and the agent is left to them
		t.Run("own check", func(t *testing.T) { t.Parallel(); ownCheck(t, o.Client) })
		t.Run("refused update", func(t *testing.T) { t.Parallel(); refusedUpdate(t, o.Client) })
		t.Run("late register", func(t *testing.T) { t.Parallel(); lateRegister(t, server.Addr()) })
	})
	t.Run("index, while a query waits", func(t *testing.T) { lowIndex(t, server, o, false) })
	t.Run("index, between two queries", func(t *testing.T) { lowIndex(t, server, o, true) })
}

func optionsOfTheWatch(t *testing.T, o operator) {
	defer o.plant(t, &api.AgentService{ID: "a", Address: "h", Port: 80, Tags: []string{"x", "y"}, Meta: map[string]string{"v": "1"}})()
	o.plant(t, &api.AgentService{ID: "b", Address: "h", Port: 81, Tags: []string{"x"}, Meta: map[string]string{"v": "2"}})
	tests := map[string]struct {
		opts []consul.WatchOption
		want string
	}{
		"none":            {nil, "{a b}"},
		"tag":             {[]consul.WatchOption{consul.WatchTags("x")}, "{a b}"},
		"tags":            {[]consul.WatchOption{consul.WatchTags("x", "y")}, "{a}"},
		"filter":          {[]consul.WatchOption{consul.WatchFilter(`Service.Meta.v == "2"`)}, "{b}"},
		"tag and filter":  {[]consul.WatchOption{consul.WatchTags("y"), consul.WatchFilter(`Service.Meta.v == "2"`)}, "{}"},
		"stale":           {[]consul.WatchOption{consul.WatchStale()}, "{a b}"},
		"datacenter":      {[]consul.WatchOption{consul.WatchDatacenter("dc1")}, "{a b}"},
		"any health":      {[]consul.WatchOption{consul.WatchAnyHealth()}, "{a b}"},
		"warning":         {[]consul.WatchOption{consul.WatchWarning()}, "{a b}"},
		"bad filter":      {[]consul.WatchOption{consul.WatchFilter("Service.Meta.v ==")}, "boolean expression"},
		"far datacenter":  {[]consul.WatchOption{consul.WatchDatacenter("mars")}, "No path to datacenter"},
		"silence, a wait": {[]consul.WatchOption{consul.WatchSilence(time.Second), consul.WatchWait(time.Second)}, "{a b}"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			i, _ := pair(t, o.Client, o.service, c.opts, nil)
			for set, err := range i.Watch(t.Context()) {
				if got := show(event{set, err}); !strings.Contains(got, c.want) {
					t.Errorf("it yields %s; want %s", got, c.want)
				}
				break
			}
		})
	}
}

// sees reads events until one is want, and returns how long that took.
func sees(t *testing.T, events <-chan event, want string) time.Duration {
	t.Helper()
	start := time.Now()
	late := time.After(time.Minute)
	var story []string
	for {
		select {
		case e := <-events:
			got := show(e)
			if got == want {
				return time.Since(start)
			}
			story = append(story, got)
		case <-late:
			t.Fatalf("it yields %q; want %s", story, want)
		}
	}
}

// ownCheck: Consul checks, and the adapter only looks whether the agent still knows.
func ownCheck(t *testing.T, client *api.Client) {
	var ill atomic.Bool
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer service.Close()
	o := operator{client, "checked"}
	i, r := pair(t, client, o.service, nil, []consul.RegisterOption{
		consul.RegisterTTL(3 * time.Second),
		consul.RegisterCheck(func(in sd.Instance) api.AgentServiceCheck {
			return api.AgentServiceCheck{HTTP: "http://" + in.Addr, Interval: "1s", Timeout: "1s"}
		}),
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := watch(ctx, i)
	sees(t, events, "{}")
	registration, err := r.Register(ctx, sd.Instance{ID: "a", Addr: service.Listener.Addr().String(), Weight: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("checked for the first time after %v", sees(t, events, "{a}"))
	ill.Store(true)
	t.Logf("gone %v after it fell ill", sees(t, events, "{}"))
	ill.Store(false)
	t.Logf("back %v after it was well", sees(t, events, "{a}"))
	o.delete(t, "a")
	sees(t, events, "{}")
	t.Logf("registered again %v after an operator took it out", sees(t, events, "{a}"))
	in := registration.Instance()
	in.Weight = 7
	if err := registration.Update(ctx, in); err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{a}")
	if err := registration.Deregister(ctx); err != nil {
		t.Fatal(err)
	}
	sees(t, events, "{}")
}

// refusedUpdate: heartbeats go on for what stands while Consul has no room for what is
// to replace it.
func refusedUpdate(t *testing.T, client *api.Client) {
	const ttl = 6 * time.Second // which a busy machine must keep
	i, r := pair(t, client, "refused", nil, []consul.RegisterOption{consul.RegisterTTL(ttl)})
	registration, err := r.Register(t.Context(), sd.Instance{ID: "a", Addr: "h:80"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), ttl/4)
	defer cancel()
	in := registration.Instance()
	in.Meta = map[string]string{"long": strings.Repeat("x", 1000)}
	if err := registration.Update(ctx, in); err == nil || !strings.Contains(err.Error(), "512 bytes") {
		t.Errorf("Update returns %v; want what is wrong with the meta", err)
	}
	watching, end := context.WithTimeout(t.Context(), 2*ttl)
	defer end()
	for set, err := range i.Watch(watching) {
		if got := show(event{set, err}); got != "{a}" {
			t.Errorf("it yields %s; want {a} all the time", got)
		}
	}
	if err := registration.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTokenWithoutRights: Consul answers it with an empty set, which is not the truth.
func TestTokenWithoutRights(t *testing.T) {
	t.Parallel()
	const management = "00000000-0000-0000-0000-000000000001"
	server := testserver.NewConsul(t, testserver.ConsulToken(management))
	o := operator{dial(t, server.Addr(), token(management)), "web"}
	o.plant(t, &api.AgentService{ID: "a", Address: "h", Port: 80})
	weak, _, err := o.ACL().TokenCreate(&api.ACLToken{Description: "may do nothing"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]string{
		management:                             "{a}",
		weak.SecretID:                          "the token may not see the instances",
		"00000000-0000-0000-0000-00000000000f": "403",
	} {
		i, r := pair(t, dial(t, server.Addr(), token(secret)), o.service, nil, nil)
		start := time.Now()
		for set, err := range i.Watch(t.Context()) {
			if got := show(event{set, err}); !strings.Contains(got, want) {
				t.Errorf("it yields %s; want %s", got, want)
			}
			break
		}
		if secret == management {
			continue
		}
		if _, err := r.Register(t.Context(), sd.Instance{Addr: "h.example:80"}); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("Register returns %v; want a refusal", err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("the refusals took %v", d)
		}
	}
}

// TestPastTheAgent: what an operator takes out of the catalog, and not of the agent,
// the agent itself puts back at its next full synchronisation. It makes one each minute
// or two, and one when it is given a token, for which this test does not wait so long.
func TestPastTheAgent(t *testing.T) {
	t.Parallel()
	const management = "00000000-0000-0000-0000-000000000001"
	server := testserver.NewConsul(t, testserver.ConsulToken(management))
	o := operator{dial(t, server.Addr(), token(management)), "web"}
	i, r := pair(t, o.Client, o.service, nil, nil)
	registration, err := r.Register(t.Context(), sd.Instance{ID: "a", Addr: "h.example:80"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := watch(ctx, i)
	sees(t, events, "{a}")
	entry, err := o.entry("a")
	if err != nil {
		t.Fatal(err)
	}
	gone := false
	for tries := 0; !gone && tries < 10; tries++ {
		if _, err := o.Catalog().Deregister(&api.CatalogDeregistration{Node: "n0", ServiceID: entry}, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case e := <-events:
			if gone = show(e) == "{}"; !gone {
				t.Fatalf("it yields %s; want {}", show(e))
			}
		case <-time.After(5 * time.Second):
			// An agent that has just found its server puts all back before the watch looks.
			t.Log("the agent was faster")
		}
	}
	if !gone {
		t.Fatal("what was taken out stays")
	}
	if _, err := o.Agent().UpdateAgentACLToken(management, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("back in the catalog %v after the synchronisation was asked for", sees(t, events, "{a}"))
	if err := registration.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
}
