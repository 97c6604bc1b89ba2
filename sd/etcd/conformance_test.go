package etcd_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/servers"
	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"github.com/dowelkit/dowel/sd/sdtest"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// registry is an etcd and who has to do with it.
type registry struct {
	addr    string
	server  *testserver.Server // nil if it is not ours to take away
	admin   *clientv3.Client
	refused *clientv3.Client // of another server, that has users; nil if the servers are the user's
}

// TestConformance gives each case that takes the server away one of its own, and each
// with hundreds of instances, so that all can run at once.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("without -short the suite runs against the real server")
	}
	t.Parallel()
	must := []sdtest.Fault{
		sdtest.Twin, sdtest.Close, sdtest.Expire, sdtest.Delete, sdtest.Kill, sdtest.Process,
		sdtest.Cut.Of("to the server"), sdtest.Cut.Of("to the client"), sdtest.Cut.Of("both ways"), sdtest.Cut.Of("refused"),
		sdtest.Malformed.Of("no JSON"), sdtest.Malformed.Of("no port"), sdtest.Malformed.Of("empty"), sdtest.Malformed.Of("a megabyte"),
	}
	own := regexp.MustCompile(`/(Outage|Flapping|Lost|DeregisteredStaysLost|CutAndChurn|Many)`)
	shared := &registry{addr: testserver.EtcdAddr(t)}
	starts := testserver.Starts(servers.Etcd)
	if starts {
		must = append(must, sdtest.Outage.Of("killed"), sdtest.Outage.Of("paused"), sdtest.LoseData, sdtest.Refused, sdtest.RefusedWatch)
		shared.refused = dial(t, newGuarded(t).Addr(), as("nobody", "secret"))
	}
	shared.admin = dial(t, shared.addr)
	var mu sync.Mutex
	registries := make(map[*testing.T]*registry)
	sdtest.Run(t, sdtest.Harness{
		Parallel: 16,
		Many:     300,                    // with a heartbeat a second each; see TestThousands
		Lease:    suiteTTL + time.Second, // a server looks for old leases twice in a second
		Must:     must,
		New: func(t *testing.T, service string) sdtest.Service {
			mu.Lock()
			defer mu.Unlock()
			r := registries[t]
			switch {
			case r != nil:
			case starts && own.MatchString(t.Name()):
				server := testserver.NewEtcd(t)
				r = &registry{server: server, addr: server.Addr(), admin: dial(t, server.Addr()), refused: shared.refused}
			default:
				r = shared
			}
			registries[t] = r
			return r.service(t, service)
		},
	})
}

// A busy machine may hold a process up for seconds, and the suite makes it busy.
const (
	ttl      = 4 * time.Second
	suiteTTL = 6 * time.Second
	silence  = 5 * time.Second
)

func newInstancer(t *testing.T, client *clientv3.Client, prefix string) *etcd.Instancer {
	t.Helper()
	in, err := etcd.NewInstancer(client, prefix, etcd.WatchSilence(silence))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func newRegistrar(t *testing.T, client *clientv3.Client, prefix string, opts ...etcd.RegisterOption) *etcd.Registrar {
	t.Helper()
	registrar, err := etcd.NewRegistrar(client, prefix, append([]etcd.RegisterOption{etcd.RegisterTTL(ttl)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return registrar
}

func (r *registry) service(t *testing.T, name string) sdtest.Service {
	prefix, lease := "/services/"+name, etcd.RegisterTTL(suiteTTL)
	key := func(id string) string { return prefix + "/" + id }
	proxy := testserver.NewProxy(t, r.addr)
	dead := &grave{}
	client := dial(t, proxy.Addr(), dead.options())
	cut := func(d testserver.Direction) func(*testing.T) func() {
		return func(*testing.T) func() { proxy.Cut(d); return proxy.Heal }
	}
	s := sdtest.Service{
		Instancer: newInstancer(t, client, prefix),
		Registrar: newRegistrar(t, client, prefix, lease),
		Twin: func() (sd.Instancer, sd.Registrar) {
			return newInstancer(t, client, prefix), newRegistrar(t, client, prefix, lease)
		},
		Peer: newRegistrar(t, r.admin, prefix, lease),
		Cuts: map[string]func(*testing.T) func(){
			"to the server": cut(testserver.ToServer),
			"to the client": cut(testserver.ToClient),
			"both ways":     cut(testserver.BothWays),
			"refused": func(*testing.T) func() {
				proxy.Refuse()
				proxy.Reset()
				return proxy.Heal
			},
		},
		Expire: func(t *testing.T, id string) {
			if _, err := r.admin.Revoke(t.Context(), clientv3.LeaseID(r.lease(t, key(id)))); err != nil {
				t.Error(err)
			}
		},
		Delete: func(t *testing.T, id string) {
			if resp, err := r.admin.Delete(t.Context(), key(id)); err != nil || resp.Deleted != 1 {
				t.Errorf("%+v, %v", resp, err)
			}
		},
		Kill: func(t *testing.T, id string) {
			dead.bury(key(id), r.lease(t, key(id)))
			t.Cleanup(dead.raise)
		},
		Process: r.addr + " " + prefix,
		Malformed: map[string]func(*testing.T) func(){
			"no JSON":    r.plant(key("no-json"), `{"addr":`),
			"no port":    r.plant(key("no-port"), "10.0.0.1"),
			"empty":      r.plant(key("empty"), ""),
			"a megabyte": r.plant(key("large"), `{"addr":"h:1","zone":"`+strings.Repeat("z", 1<<20)+`"}`),
		},
		Close: func(t *testing.T) {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		},
	}
	if r.refused == nil {
		return s
	}
	s.Refused, s.RefusedWatch = newRegistrar(t, r.refused, prefix, lease), newInstancer(t, r.refused, prefix)
	own := func(t *testing.T) *testserver.Server {
		if t.Helper(); r.server == nil {
			t.Fatal("this case takes the server from others: give it one of its own")
		}
		return r.server
	}
	s.Outages = map[string]func(*testing.T) func(){
		"killed": func(t *testing.T) func() { server := own(t); server.Kill(); return server.Start },
		"paused": func(t *testing.T) func() { server := own(t); server.Pause(); return server.Resume },
	}
	s.LoseData = func(t *testing.T) { server := own(t); server.Kill(); server.Wipe(); server.Start() }
	return s
}

// lease returns the lease of a key.
func (r *registry) lease(t *testing.T, key string) int64 {
	t.Helper()
	resp, err := r.admin.Get(t.Context(), key)
	if err != nil || len(resp.Kvs) == 0 {
		t.Fatalf("%s: %+v, %v", key, resp, err)
	}
	return resp.Kvs[0].Lease
}

func (r *registry) plant(key, value string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		if _, err := r.admin.Put(t.Context(), key, value); err != nil {
			t.Error(err)
		}
		return func() {
			if _, err := r.admin.Delete(r.admin.Ctx(), key); err != nil {
				t.Error(err)
			}
		}
	}
}
