package consul_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/servers"
	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/dowelkit/dowel/sd/sdtest"
	"github.com/hashicorp/consul/api"
)

// ttl is short, so that the tests of what outlasts it are too. A machine that is busy
// with all of them at once must keep it all the same.
const ttl = 5 * time.Second

// away matches the cases in which the whole registry goes away. Each has an agent of
// its own, so that they do not have to wait for each other: an agent starts in a second,
// and what takes long is to see leases run out.
var away = regexp.MustCompile(`/(Outage|Flapping|Lost|DeregisteredStaysLost)`)

// crowded matches the cases with hundreds of instances. They have agents of their own
// too, for an agent makes one change after the other and is slow for all then.
var crowded = regexp.MustCompile(`/(CutAndChurn|Many)`)

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("without -short the suite runs against the real server")
	}
	t.Parallel()
	f := fixture{addr: testserver.ConsulAddr(t)}
	must := []sdtest.Fault{sdtest.Twin, sdtest.Cut, sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Process, sdtest.Malformed}
	if testserver.Starts(servers.Consul) {
		must = append(must, sdtest.Refused, sdtest.RefusedWatch, sdtest.Outage, sdtest.LoseData)
		f.refusing = testserver.NewConsul(t, testserver.ConsulToken("00000000-0000-0000-0000-000000000001")).Addr()
	}
	sdtest.Run(t, sdtest.Harness{
		New:      f.service,
		Lease:    ttl + time.Second, // an agent that is busy is late
		Patience: 3 * time.Minute,   // for a machine that is busy
		Parallel: 14,
		Many:     200,
		Packages: []string{"github.com/dowelkit/dowel/sd/consul", "github.com/hashicorp/consul/api"},
		// There is no Close: a client of Consul's cannot be closed, and has nothing open
		// but connections; see TestClosedConnections.
		Must: must,
	})
}

// registrant is what a process of the suite registers with.
func registrant(process string) (sd.Registrar, error) {
	addr, service, _ := strings.Cut(process, "/")
	client, err := api.NewClient(&api.Config{Address: addr})
	if err != nil {
		return nil, err
	}
	return consul.NewRegistrar(client, service, consul.RegisterTTL(ttl))
}

// fixture is Consul for the suite.
type fixture struct {
	addr     string // of an agent that all share; it may be the user's
	refusing string // of one that refuses, "" if there is only the user's
}

func (f fixture) service(t *testing.T, service string) (s sdtest.Service) {
	var own *testserver.Server // nil for a case that shares the agent
	behind := f.addr
	if f.refusing != "" && (away.MatchString(t.Name()) || crowded.MatchString(t.Name())) {
		own = testserver.NewConsul(t)
		behind = own.Addr()
	}
	proxy := testserver.NewProxy(t, behind)
	addr := proxy.Addr()
	if away.MatchString(t.Name()) {
		addr = behind // what a proxy holds for a paused server are goroutines of this process
	}
	watch := []consul.WatchOption{consul.WatchSilence(3 * time.Second)}
	register := []consul.RegisterOption{consul.RegisterTTL(ttl)}
	var transport mortal
	client := dial(t, addr, transport.config)
	direct := operator{dial(t, behind), service}
	s.Instancer, s.Registrar = pair(t, client, service, watch, register)
	s.Twin = func() (sd.Instancer, sd.Registrar) { return pair(t, client, service, watch, register) }
	_, s.Peer = pair(t, direct.Client, service, watch, nil) // hundreds, who are never to die
	s.Cuts = cuts(proxy)
	s.Expire, s.Delete = direct.expire, direct.delete
	s.Kill = func(_ *testing.T, id string) { transport.kill(id) }
	s.Process = behind + "/" + service
	s.Malformed = map[string]func(*testing.T) func(){
		"no port": func(t *testing.T) func() { return direct.plant(t, &api.AgentService{ID: "bad", Address: "h.example"}) },
		"no host": func(t *testing.T) func() {
			return direct.plant(t, &api.AgentService{ID: "bad", Address: "a b", Port: 80})
		},
		"too long": func(t *testing.T) func() { return direct.plant(t, long()) },
	}
	if f.refusing == "" {
		return s
	}
	s.RefusedWatch, s.Refused = pair(t, dial(t, f.refusing, token("00000000-0000-0000-0000-00000000000f")), service, watch, register)
	agent := func(t *testing.T) *testserver.Server {
		if t.Helper(); own == nil {
			t.Fatal("this case takes the agent from others: name it in away")
		}
		return own
	}
	s.Outages = outages(agent)
	s.LoseData = func(t *testing.T) { server := agent(t); server.Kill(); server.Wipe(); server.Start() }
	return s
}

// long is an entry of a megabyte. Consul bounds meta, and neither ID nor address.
func long() *api.AgentService {
	return &api.AgentService{ID: "bad", Address: strings.Repeat("x", 1<<20), Port: 80}
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
func outages(server func(*testing.T) *testserver.Server) map[string]func(*testing.T) func() {
	return map[string]func(*testing.T) func(){
		"killed": func(t *testing.T) func() { s := server(t); s.Kill(); return s.Start },
		"paused": func(t *testing.T) func() { s := server(t); pause(t, s); return s.Resume },
	}
}
