package registry

import (
	"fmt"
	"testing"

	"github.com/dowelkit/dowel/internal/testserver"
)

// A Registry is a server with services in it. Each entry is a plain address, which
// every adapter reads.
type Registry interface {
	// Addr returns the server's address.
	Addr() string
	// Fill puts a new service there, with the entries from 0 to n-1.
	Fill(t testing.TB, service string, n int)
	// Set adds or changes the entry of that number.
	Set(t testing.TB, service string, number int, addr string)
	// Remove takes out the entry of that number.
	Remove(t testing.TB, service string, number int)
	// Requests returns how many requests the watchers have made.
	Requests(t testing.TB) int64
}

// A Watcher starts to watch a service at a server's address until the test ends. It
// sends the addresses of each set.
type Watcher func(t testing.TB, addr, service string) <-chan []string

// Costs of a watcher of a service.
type Costs struct {
	First  Cost // from nothing to the set of all
	Change Cost // the address of one is another
	Join   Cost // one more
	Leave  Cost // one less
}

// Measure returns and logs the costs of a watcher of a new service of n entries. One
// that is blind does not see changes of an entry.
func Measure(t testing.TB, r Registry, who string, watch Watcher, n int, blind bool) Costs {
	t.Helper()
	service := fmt.Sprintf("%s-%d", who, n)
	r.Fill(t, service, n)
	wire := testserver.NewProxy(t, r.Addr())
	var c Costs
	var sets <-chan []string
	measure := func(cost *Cost, what string, passes func([]string) bool, act func()) {
		t.Helper()
		*cost = costOf(t, r, wire, func() <-chan []string { act(); return sets }, passes)
		t.Logf("%-6s %5d instances, %-6s %v", who, n, what, *cost)
	}
	measure(&c.First, "first", has(n, address(n-1), true), func() { sets = watch(t, wire.Addr(), service) })
	if !blind {
		measure(&c.Change, "change", has(n, address(n), true), func() { r.Set(t, service, n/2, address(n)) })
	}
	measure(&c.Join, "join", has(n+1, address(n+1), true), func() { r.Set(t, service, n+1, address(n+1)) })
	measure(&c.Leave, "leave", has(n, address(n+1), false), func() { r.Remove(t, service, n+1) })
	return c
}

// address returns that of the entry of a number below 90,000. All are of one length.
func address(number int) string {
	return fmt.Sprintf("10.1.%03d.%03d:8080", 100+number/100%100, 100+number%100)
}

// key names the entry of a number. All are of one length.
func key(number int) string { return fmt.Sprintf("i-%06d", number) }
