package registry

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	kitzk "github.com/go-kit/kit/sd/zk"
	kitlog "github.com/go-kit/log"
	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd/zookeeper"
)

// session is so long that a heartbeat is rare.
const session = 30 * time.Second

// ZooKeeper is a [Registry].
type ZooKeeper struct {
	*testserver.Server
	client *zk.Conn
	own    int64 // requests that no watcher made
}

// NewZooKeeper starts a server that ends with the test.
func NewZooKeeper(t testing.TB) *ZooKeeper {
	t.Helper()
	r := &ZooKeeper{Server: testserver.NewZooKeeper(t)}
	r.client = dialZooKeeper(t, r.Addr(), nil)
	return r
}

func dialZooKeeper(t testing.TB, addr string, dialer zk.Dialer) *zk.Conn {
	t.Helper()
	if dialer == nil {
		dialer = net.DialTimeout
	}
	client, _, err := zk.Connect([]string{addr}, session, zk.WithLogInfo(false), zk.WithDialer(dialer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func nodeOf(service string, number int) string { return "/" + service + "/" + key(number) }

// Fill does what Registry says.
func (r *ZooKeeper) Fill(t testing.TB, service string, n int) {
	t.Helper()
	ops := []any{create("/"+service, "")}
	for i := range n {
		ops = append(ops, create(nodeOf(service, i), address(i)))
		if len(ops) >= 500 || i == n-1 {
			if _, err := r.client.Multi(ops...); err != nil {
				t.Fatal(err)
			}
			r.own++
			ops = nil
		}
	}
}

func create(path, data string) *zk.CreateRequest {
	return &zk.CreateRequest{Path: path, Data: []byte(data), Acl: zk.WorldACL(zk.PermAll)}
}

// Set does what Registry says.
func (r *ZooKeeper) Set(t testing.TB, service string, number int, addr string) {
	t.Helper()
	path := nodeOf(service, number)
	exists, _, err := r.client.Exists(path)
	switch {
	case err != nil:
	case exists:
		_, err = r.client.Set(path, []byte(addr), -1)
	default:
		_, err = r.client.Create(path, []byte(addr), 0, zk.WorldACL(zk.PermAll))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.own += 2
}

// Remove does what Registry says.
func (r *ZooKeeper) Remove(t testing.TB, service string, number int) {
	t.Helper()
	if err := r.client.Delete(nodeOf(service, number), -1); err != nil {
		t.Fatal(err)
	}
	r.own++
}

// Requests returns what the server has received, heartbeats included, without what
// the others of this package have sent.
func (r *ZooKeeper) Requests(t testing.TB) int64 {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "mntr"); err != nil {
		t.Fatal(err)
	}
	r.own++
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		var count int64
		if _, err := fmt.Sscanf(strings.TrimSpace(lines.Text()), "zk_packets_received %d", &count); err == nil {
			return count - r.own
		}
	}
	t.Fatal("ZooKeeper does not count packets")
	return 0
}

// Dowel is a [Watcher].
func (r *ZooKeeper) Dowel(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	dialer := &zookeeper.Dialer{}
	instancer, err := zookeeper.NewInstancer(dialZooKeeper(t, addr, dialer.Dial), "/"+service, zookeeper.WatchDialer(dialer))
	if err != nil {
		t.Fatal(err)
	}
	return watchDowel(t, instancer)
}

// Kit is a [Watcher].
func (r *ZooKeeper) Kit(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	client, err := kitzk.NewClient([]string{addr}, kitlog.NewNopLogger(), kitzk.SessionTimeout(session))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Stop)
	instancer, err := kitzk.NewInstancer(client, "/"+service, kitlog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return watchKit(t, instancer)
}
