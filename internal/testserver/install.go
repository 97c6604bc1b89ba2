package testserver

import (
	"context"
	"os"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// EtcdAddr returns the address of an etcd for a test, or an example, that leaves it
// alone: of the user's if DOWEL_ETCD_ADDR names one, and else of a new one. The user's
// may hold anything; it is for the test to use names of its own, and to clean up.
func EtcdAddr(t testing.TB) string {
	t.Helper()
	return addrOf(t, servers.Etcd, NewEtcd)
}

// ConsulAddr is [EtcdAddr] for Consul, with DOWEL_CONSUL_ADDR.
func ConsulAddr(t testing.TB) string {
	t.Helper()
	return addrOf(t, servers.Consul, func(t testing.TB) *Server { return NewConsul(t) })
}

// ZooKeeperAddr is [EtcdAddr] for ZooKeeper, with DOWEL_ZOOKEEPER_ADDR.
func ZooKeeperAddr(t testing.TB) string {
	t.Helper()
	return addrOf(t, servers.ZooKeeper, NewZooKeeper)
}

// Starts reports whether there can be a server that a test may do anything to: it is
// false where the user gives an address and nothing to start. What needs such a server,
// [NewEtcd] and its like, is skipped there, and panics outside of tests.
func Starts(source servers.Source) bool {
	return usersAddr(source) == "" || os.Getenv(source.Variable) != ""
}

func addrOf(t testing.TB, source servers.Source, start func(testing.TB) *Server) string {
	t.Helper()
	if addr := usersAddr(source); addr != "" {
		return addr
	}
	return start(t).Addr()
}

// usersAddr returns the address of a server that the user runs.
func usersAddr(source servers.Source) string { return os.Getenv(source.Variable + "_ADDR") }

// install returns the path of a server, which it makes first if this machine has
// not got it yet.
func install(t testing.TB, source servers.Source) string {
	t.Helper()
	// Whoever gives an address may have no way to get the server. This is the only
	// reason to skip a test: a fault that cannot be made is not tested.
	if !Starts(source) {
		t.Skipf("NOT TESTED: the server at %s_ADDR=%s is not this test's to kill; set %s too to have it start one of its own",
			source.Variable, usersAddr(source), source.Variable)
	}
	return get(t, source, ",\nor "+source.Variable+"_ADDR to the address of one that runs: tests that need to kill it are skipped then")
}

// get is install of a server that tests always start by themselves.
func get(t testing.TB, source servers.Source, advice string) string {
	t.Helper()
	path, err := source.Get(context.Background(), testLog{t})
	if err != nil {
		t.Fatal(err.Error() + advice)
	}
	return path
}

// testLog writes to a test's log.
type testLog struct{ t testing.TB }

func (l testLog) Write(text []byte) (int, error) {
	l.t.Logf("%s", text)
	return len(text), nil
}
