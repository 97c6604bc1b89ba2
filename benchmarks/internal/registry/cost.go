package registry

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

// Cost is what it took until a watcher knew something new, and all that the watcher
// did on the way and because of it.
type Cost struct {
	Time     time.Duration
	Requests int64
	Traffic  testserver.Traffic
}

// String is a part of a line of the log.
func (c Cost) String() string {
	return fmt.Sprintf("%8.2f ms, %5d requests, %8d bytes read, %7d written",
		float64(c.Time)/float64(time.Millisecond), c.Requests, c.Traffic.ToClient, c.Traffic.ToServer)
}

// patience is how long a set may take to arrive. Go kit reads 5,000 nodes of
// ZooKeeper one after the other.
const patience = 2 * time.Minute

// costOf acts, waits for a set that passes and then until the wire is quiet.
func costOf(t testing.TB, r Registry, wire *testserver.Proxy, act func() <-chan []string, passes func(set []string) bool) Cost {
	t.Helper()
	before, requests := wire.Traffic(), r.Requests(t)
	timeout := time.After(patience)
	began := time.Now()
	sets := act()
	for {
		select {
		case set := <-sets:
			if !passes(set) {
				continue
			}
		case <-timeout:
			t.Fatal("the set does not arrive")
		}
		took := time.Since(began)
		settle(wire)
		return Cost{took, r.Requests(t) - requests, wire.Traffic().Since(before)}
	}
}

// settle waits until nothing has gone over the wire for a while: a watcher that
// knows may still have questions. Heartbeats are further apart.
func settle(wire *testserver.Proxy) {
	const while = 200 * time.Millisecond
	for last := (testserver.Traffic{}); last != wire.Traffic(); time.Sleep(while) {
		last = wire.Traffic()
	}
}

// has passes a set of n instances with one or no instance at that address.
func has(n int, addr string, want bool) func([]string) bool {
	return func(set []string) bool { return len(set) == n && slices.Contains(set, addr) == want }
}
