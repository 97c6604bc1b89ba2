package zookeeper_test

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/servers"
	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/sdtest"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// TestConformance gives each case that does something to its server one of its own, so
// that most can run at once. Where a fault comes in kinds, some of them meet watches
// by dialer and some those without.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("without -short the suite runs against the real server")
	}
	t.Parallel()
	must := []sdtest.Fault{
		sdtest.Twin, sdtest.Refused, sdtest.RefusedWatch, sdtest.Cut, sdtest.Expire, sdtest.Delete,
		sdtest.Kill, sdtest.Process, sdtest.Malformed, sdtest.Close,
	}
	own := regexp.MustCompile(`/(Outage|Flapping|LostData|LostAgain|DeregisteredStaysLost)`)
	starts := testserver.Starts(servers.ZooKeeper)
	if starts {
		must = append(must, sdtest.Outage, sdtest.LoseData)
	}
	shared := testserver.ZooKeeperAddr(t)
	started := make(map[*testing.T]*testserver.Server)
	var mu sync.Mutex
	sdtest.Run(t, sdtest.Harness{
		New: func(t *testing.T, service string) sdtest.Service {
			mu.Lock()
			defer mu.Unlock()
			if own.MatchString(t.Name()) && started[t] == nil {
				started[t] = testserver.NewZooKeeper(t)
			}
			server, addr := started[t], shared
			if server != nil {
				addr = server.Addr()
			}
			s := newService(t, addr, service)
			if starts {
				s.Outages = map[string]func(*testing.T) func(){
					"killed": func(*testing.T) func() { server.Kill(); return server.Start },
					"paused": func(t *testing.T) func() { pause(t, server); return server.Resume },
				}
				s.LoseData = func(*testing.T) { server.Kill(); server.Wipe(); server.Start() }
			}
			return s
		},
		Lease:    timeout + time.Second, // a server looks for old sessions twice in a second
		Parallel: 12,
		Must:     must,
	})
}

// withoutDialer is for the kinds of faults that meet the older watches.
var withoutDialer = regexp.MustCompile(`/(paused|to_client|both_ways)$`)

func newService(t *testing.T, addr, service string) sdtest.Service {
	g := &gate{}
	proxy := testserver.NewProxy(t, addr)
	client := connect(t, g.dial, proxy.Addr())
	operator := newAdmin(t, addr)
	path := "/services/" + service
	newInstancer := instancer
	if withoutDialer.MatchString(t.Name()) {
		newInstancer = func(t testing.TB, client *zk.Conn, path string) *zookeeper.Instancer {
			return bareInstancer(t, client, path)
		}
	}
	s := sdtest.Service{
		Instancer: newInstancer(t, client, path),
		Registrar: registrar(t, client, path),
		Twin: func() (sd.Instancer, sd.Registrar) {
			return bareInstancer(t, client, path), registrar(t, client, path)
		},
		Peer:    registrar(t, connectBare(t, nil, addr), path),
		Process: addr + " " + path,
		Cuts:    cuts(proxy),
		Expire: func(t *testing.T, _ string) {
			session := client.SessionID()
			g.close()
			time.Sleep(timeout + time.Second)
			g.open()
			eventually(t, "there is a new session", func() bool { return client.SessionID() != session })
		},
		Delete:    func(t *testing.T, id string) { operator.deleteID(path, id) },
		Malformed: map[string]func(*testing.T) func(){},
		Close:     func(*testing.T) { client.Close() },
	}
	for name, data := range map[string]string{
		"text": "what is this?", "truncated": `{"addr":"h.example:80"`, "no port": `{"addr":"h.example"}`,
		"empty": "", "1 MB": strings.Repeat("x", 1e6),
	} {
		s.Malformed[name] = func(*testing.T) func() {
			node := path + "/malformed " + name
			operator.make(node, []byte(data))
			return func() { operator.delete(node) }
		}
	}
	locked := path + "-locked"
	operator.make(locked, nil, zk.DigestACL(zk.PermAll, "somebody", "else")...)
	s.Refused, s.RefusedWatch = registrar(t, client, locked), newInstancer(t, client, locked)
	if !testserver.Starts(servers.ZooKeeper) {
		t.Cleanup(func() { // the server is the user's
			_ = operator.conn.Delete(locked, -1)
			_ = operator.conn.Delete(path, -1)
		})
	}
	if strings.Contains(t.Name(), "/Killed") {
		mortals := &mortals{t: t, addr: addr, path: path, gates: make(map[string]func())}
		s.Registrar, s.Kill = mortals, func(_ *testing.T, id string) { mortals.gates[id]() }
	} else {
		s.Kill = func(t *testing.T, _ string) { t.Fatal("nobody here is mortal") }
	}
	return s
}

// pause pauses a server and returns once it answers no more: on a busy machine its
// threads stop one after the other.
func pause(t *testing.T, server *testserver.Server) {
	t.Helper()
	server.Pause()
	eventually(t, "the paused server is silent", func() bool {
		conn, err := net.DialTimeout("tcp4", server.Addr(), time.Second)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second / 5))
		_, _ = io.WriteString(conn, "ruok")
		_, err = conn.Read(make([]byte, 1))
		return err != nil
	})
}

// cuts are the ways in which the network fails between one client and the server.
func cuts(proxy *testserver.Proxy) map[string]func(*testing.T) func() {
	held := func(d testserver.Direction) func(*testing.T) func() {
		return func(*testing.T) func() { proxy.Cut(d); return proxy.Heal }
	}
	return map[string]func(*testing.T) func(){
		"to server": held(testserver.ToServer),
		"to client": held(testserver.ToClient),
		"both ways": held(testserver.BothWays),
		"refused":   func(*testing.T) func() { proxy.Refuse(); proxy.Reset(); return proxy.Heal },
	}
}

// mortals is a registrar that has a client for each registration, so that each can
// die alone.
type mortals struct {
	t          *testing.T
	addr, path string
	gates      map[string]func() // what kills a registrant
}

func (m *mortals) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	g := &gate{}
	client := connectBare(m.t, g.dial, m.addr)
	m.gates[in.ID] = func() { g.close(); client.Close() }
	return registrar(m.t, client, m.path).Register(ctx, in)
}

// instancer returns one that watches by the client's Dialer, if it has one.
func instancer(t testing.TB, client *zk.Conn, path string) *zookeeper.Instancer {
	t.Helper()
	if d, ok := dialers.Load(client); ok {
		return bareInstancer(t, client, path, zookeeper.WatchDialer(d.(*zookeeper.Dialer)))
	}
	return bareInstancer(t, client, path)
}

func bareInstancer(t testing.TB, client *zk.Conn, path string, opts ...zookeeper.WatchOption) *zookeeper.Instancer {
	t.Helper()
	i, err := zookeeper.NewInstancer(client, path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func registrar(t testing.TB, client *zk.Conn, path string, opts ...zookeeper.RegisterOption) *zookeeper.Registrar {
	t.Helper()
	r, err := zookeeper.NewRegistrar(client, path, append(opts, zookeeper.RegisterParents())...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eventually polls until ok says so.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}
