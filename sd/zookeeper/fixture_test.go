package zookeeper_test

import (
	"errors"
	"net"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd/zookeeper"
)

// timeout is that of the sessions: long enough for a busy machine, short enough to
// wait for its end.
const timeout = 3 * time.Second

// gate is a network of one client that can be shut: what is open breaks, and what
// is dialled is refused.
type gate struct {
	mu    sync.Mutex
	shut  bool
	conns []net.Conn
	dials int
}

func (g *gate) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, errors.New("the gate is shut")
	}
	conn, err := net.DialTimeout(network, address, timeout)
	if err == nil {
		g.conns = append(g.conns, conn)
		g.dials++
	}
	return conn, err
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for _, conn := range g.conns {
		_ = conn.Close()
	}
	g.conns = nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = false
}

// silent keeps the client's log out of the test's.
type silent struct{}

func (silent) Printf(string, ...any) {}

// dialers are those of the clients that have one, for whoever watches by them.
var dialers sync.Map // *zk.Conn to *zookeeper.Dialer

// connect returns a client with a Dialer that lives as long as the test, once it has
// a session. dial makes the connections; it may be nil.
func connect(t testing.TB, dial zk.Dialer, addrs ...string) *zk.Conn {
	t.Helper()
	return connectFor(t, timeout, dial, addrs...)
}

// connectFor returns a client whose session has that timeout.
func connectFor(t testing.TB, timeout time.Duration, dial zk.Dialer, addrs ...string) *zk.Conn {
	t.Helper()
	d := &zookeeper.Dialer{Next: dial}
	client := open(t, timeout, d.Dial, addrs...)
	dialers.Store(client, d)
	t.Cleanup(func() { dialers.Delete(client) })
	return client
}

// connectBare returns a client without a Dialer.
func connectBare(t testing.TB, dial zk.Dialer, addrs ...string) *zk.Conn {
	t.Helper()
	if dial == nil {
		dial = net.DialTimeout
	}
	return open(t, timeout, orderly(dial), addrs...)
}

func open(t testing.TB, timeout time.Duration, dial zk.Dialer, addrs ...string) *zk.Conn {
	t.Helper()
	client, _, err := zk.Connect(addrs, timeout, zk.WithLogger(silent{}), zk.WithDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	eventually(t, "the client has a session", func() bool { return client.State() == zk.StateHasSession })
	return client
}

// admin is what an operator does by hand.
type admin struct {
	testing.TB
	conn *zk.Conn
}

func newAdmin(t testing.TB, addr string) admin {
	return admin{t, connect(t, nil, addr)}
}

// insist repeats what a restarted server refuses at first.
func (a admin) insist(what string, f func() error) {
	a.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil || errors.Is(err, zk.ErrNodeExists) || errors.Is(err, zk.ErrNoNode) {
			return
		}
	}
	a.Fatalf("%s: %v", what, err)
}

// make makes a persistent node and what is missing above it.
func (a admin) make(node string, data []byte, acl ...zk.ACL) {
	a.Helper()
	if parent := path.Dir(node); parent != "/" {
		a.make(parent, nil)
	}
	if len(acl) == 0 {
		acl = zk.WorldACL(zk.PermAll)
	}
	a.insist("make "+node, func() error {
		_, err := a.conn.Create(node, data, 0, acl)
		return err
	})
}

func (a admin) set(node string, data []byte) {
	a.Helper()
	a.insist("set "+node, func() error {
		_, err := a.conn.Set(node, data, -1)
		return err
	})
}

func (a admin) delete(node string) {
	a.Helper()
	a.insist("delete "+node, func() error { return a.conn.Delete(node, -1) })
}

// deleteID deletes the nodes of an instance.
func (a admin) deleteID(parent, id string) {
	a.Helper()
	found := false
	a.insist("list "+parent, func() error {
		names, _, err := a.conn.Children(parent)
		for _, name := range names {
			if strings.HasPrefix(name, id+"-") {
				a.delete(parent + "/" + name)
				found = true
			}
		}
		return err
	})
	if !found {
		a.Errorf("there is no node of %s", id)
	}
}
