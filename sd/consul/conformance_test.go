package consul_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/dowelkit/dowel/sd/sdtest"
	"github.com/hashicorp/consul/api"
)

// ttl is short, so that the tests of what outlasts it are too. A machine that is busy
// with all of them at once must keep it all the same.
const ttl = 10 * time.Second

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("without -short the suite runs against the real server")
	}
	t.Parallel()
	server := testserver.NewConsul(t)
	watch := []consul.WatchOption{consul.WatchSilence(3 * time.Second)}
	register := []consul.RegisterOption{consul.RegisterTTL(ttl)}
	refusing := sync.OnceValue(func() string {
		return testserver.NewConsul(t, testserver.ConsulToken("00000000-0000-0000-0000-000000000001")).Addr()
	})
	sdtest.Run(t, sdtest.Harness{
		Lease:    ttl + time.Second,
		Patience: 3 * time.Minute, // for a machine that is busy
		Parallel: 4,
		Many:     200,
		Shared:   []sdtest.Fault{sdtest.Outage, sdtest.LoseData},
		Packages: []string{"github.com/dowelkit/dowel/sd/consul", "github.com/hashicorp/consul/api"},
		Must: []sdtest.Fault{
			sdtest.Twin, sdtest.Refused, sdtest.RefusedWatch, sdtest.Outage, sdtest.Cut, sdtest.LoseData,
			sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Malformed,
		},
		New: func(t *testing.T, service string) sdtest.Service {
			proxy := testserver.NewProxy(t, server.Addr())
			addr := proxy.Addr()
			if strings.Contains(t.Name(), "/Outage") {
				// What a proxy holds for a paused server are goroutines of this process.
				addr = server.Addr()
			}
			var transport mortal
			client := dial(t, addr, transport.config)
			direct := operator{dial(t, server.Addr()), service}
			var s sdtest.Service
			s.Instancer, s.Registrar = pair(t, client, service, watch, register)
			s.Twin = func() (sd.Instancer, sd.Registrar) { return pair(t, client, service, watch, register) }
			_, s.Peer = pair(t, direct.Client, service, watch, register)
			s.RefusedWatch, s.Refused = pair(t, dial(t, refusing(), token("00000000-0000-0000-0000-00000000000f")), service, watch, register)
			s.Outages = outages(server)
			s.Cuts = cuts(proxy)
			s.LoseData = func(t *testing.T) { server.Kill(); server.Wipe(); start(t, server) }
			s.Expire, s.Delete = direct.expire, direct.delete
			s.Kill = func(_ *testing.T, id string) { transport.kill(id) }
			s.Malformed = map[string]func(*testing.T) func(){
				"no port": func(t *testing.T) func() { return direct.plant(t, &api.AgentService{ID: "bad", Address: "h.example"}) },
				"no host": func(t *testing.T) func() {
					return direct.plant(t, &api.AgentService{ID: "bad", Address: "a b", Port: 80})
				},
				"too long": func(t *testing.T) func() { return direct.plant(t, long()) },
			}
			return s
		},
	})
}

// long is an entry of a megabyte. Consul bounds meta, and neither ID nor address.
func long() *api.AgentService {
	return &api.AgentService{ID: "bad", Address: strings.Repeat("x", 1<<20), Port: 80}
}

// start returns once Consul has caught up with what it knew, which takes a little
// longer than to answer.
func start(t testing.TB, server *testserver.Server) {
	t.Helper()
	server.Start()
	health := dial(t, server.Addr()).Health()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, _, err := health.Service("consul", "", true, &api.QueryOptions{RequireConsistent: true})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// pause returns once the agent is silent. On a machine that is busy it may go on for a
// while after it was told to stop.
func pause(t testing.TB, server *testserver.Server) {
	t.Helper()
	server.Pause()
	status := dial(t, server.Addr()).Status()
	for answers := true; answers; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := status.LeaderWithQueryOptions(new(api.QueryOptions).WithContext(ctx))
		cancel()
		answers = err == nil
	}
}

// outages are the ways in which Consul goes away.
func outages(server *testserver.Server) map[string]func(*testing.T) func() {
	return map[string]func(*testing.T) func(){
		"killed": func(t *testing.T) func() { server.Kill(); return func() { start(t, server) } },
		"paused": func(t *testing.T) func() { pause(t, server); return server.Resume },
	}
}
