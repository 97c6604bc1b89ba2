package zookeeper_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
)

var receivedLine = regexp.MustCompile(`(?m)^Received: (\d+)$`)

// requests asks a server how many it has received since it started, pings included.
func requests(t testing.TB, server *testserver.Server) int {
	t.Helper()
	conn, err := net.DialTimeout("tcp4", server.Addr(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "srvr")
	text, _ := io.ReadAll(conn)
	n := receivedLine.FindSubmatch(text)
	if n == nil {
		t.Fatalf("srvr says %q", text)
	}
	count, _ := strconv.Atoi(string(n[1]))
	return count
}

func nodeData(id string, weight int) []byte {
	return fmt.Appendf(nil, `{"id":%q,"addr":"10.11.12.13:8080","weight":%d,"zone":"zone-1","meta":{"version":"1.2.3"}}`, id, weight)
}

// fill makes n nodes below path, of instances that differ in their ID.
func (a admin) fill(path string, n int) {
	a.Helper()
	a.make(path, nil)
	for from := 0; from < n; from += 100 {
		var ops []any
		for i := from; i < min(n, from+100); i++ {
			id := fmt.Sprintf("10.11.%d.%d:8080", i/250, i%250)
			ops = append(ops, &zk.CreateRequest{
				Path: path + "/" + id + "-abcdefghijklm", Data: nodeData(id, 1), Acl: zk.WorldACL(zk.PermAll),
			})
		}
		a.insist("make nodes", func() error {
			_, err := a.conn.Multi(ops...)
			return err
		})
	}
}

// patient is the timeout of sessions that must not end, however busy the machine is.
const patient = 5 * timeout

// modes are how a watch learns of newcomers.
var modes = map[string]func(t testing.TB, addr string) *zk.Conn{
	"by dialer": func(t testing.TB, addr string) *zk.Conn { return connectFor(t, patient, nil, addr) },
	"without":   func(t testing.TB, addr string) *zk.Conn { return open(t, patient, orderly(net.DialTimeout), addr) },
}

// TestCosts measures what watches cost a server: the table of the package's
// documentation.
func TestCosts(t *testing.T) {
	t.Parallel()
	most := map[string]struct{ change, leaver, newcomer, outage float64 }{
		"by dialer": {1, 1, 1, 3},
		"without":   {1, 1, 2, 1 + nodesOfCosts},
	}
	for mode, connect := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel() // each has a server, and waits most of the time
			costs(t, connect, most[mode].change, most[mode].leaver, most[mode].newcomer, most[mode].outage)
		})
	}
}

const nodesOfCosts = 50

func costs(t *testing.T, connect func(testing.TB, string) *zk.Conn, change, leaver, newcomer, outage float64) {
	const clients, nodes = 20, nodesOfCosts
	server := testserver.NewZooKeeper(t)
	operator := admin{t, connectFor(t, patient, nil, server.Addr())}
	operator.fill(web, nodes)
	var watching []*tail
	for range clients {
		watching = append(watching, watch(t, instancer(t, connect(t, server.Addr()), web)))
	}
	all := func(what string, ok func(*tail) bool) {
		t.Helper()
		for _, w := range watching {
			w.until(what, func() bool { return ok(w) })
		}
	}
	all("all are seen", func(w *tail) bool { return w.len() == nodes })
	weighs := func(weight int) func(w *tail) bool {
		return func(w *tail) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, in := range w.set {
				if in.Weight == weight {
					return true
				}
			}
			return false
		}
	}
	// per logs the requests of each client, without pings and the test's own.
	per := func(what string, sum int, took time.Duration, most float64) {
		t.Helper()
		per := float64(sum) / clients
		pings := took.Seconds()/(patient.Seconds()/3) + 1
		t.Logf("%-22s %6.2f requests of each client in %v, pings included", what, per, took.Round(time.Millisecond))
		if per > most+pings+0.3 {
			t.Errorf("%s: %.2f requests of each client; want %v and %.2f pings at most", what, per, most, pings)
		}
	}
	measure := func(what string, f func(), most float64) {
		t.Helper()
		before, start := requests(t, server), time.Now()
		f()
		took := time.Since(start)
		per(what, requests(t, server)-before, took, most)
	}
	measure("nothing happens", func() { time.Sleep(patient / 3) }, 0)
	first := web + "/10.11.0.0:8080-abcdefghijklm"
	measure("an instance changes", func() {
		operator.set(first, nodeData("10.11.0.0:8080", 7))
		all("the change is seen", weighs(7))
	}, change)
	measure("an instance leaves", func() {
		operator.delete(first)
		all("nobody has left", func(w *tail) bool { return w.len() == nodes-1 })
	}, leaver)
	measure("an instance comes", func() {
		operator.make(first, nodeData("10.11.0.0:8080", 8))
		all("nobody has come", weighs(8))
	}, newcomer)

	server.Kill()
	all("the outage is told", func(w *tail) bool { return len(w.failures()) > 0 })
	sets := make(map[*tail]int)
	for _, w := range watching {
		w.mu.Lock()
		sets[w] = w.sets
		w.mu.Unlock()
	}
	server.Start()
	start := time.Now()
	all("all are well", func(w *tail) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.sets > sets[w] && len(w.set) == nodes
	})
	time.Sleep(7 * time.Second) // so long they may ask for what is most likely as it was
	// To connect is a request, and to set the watches again is one; who is refused by
	// a server that has just started does it twice.
	per("the server was away", requests(t, server), time.Since(start), 4+outage)
}

// TestThousands measures a set of 500 and one of 5,000: what the first set, a
// change, a newcomer and a leaver take.
func TestThousands(t *testing.T) {
	t.Parallel()
	for mode, connect := range modes {
		t.Run(mode, func(t *testing.T) { thousands(t, connect, mode == "by dialer") })
	}
}

func thousands(t *testing.T, connect func(testing.TB, string) *zk.Conn, all bool) {
	server := testserver.NewZooKeeper(t)
	operator := admin{t, connectFor(t, patient, nil, server.Addr())}
	type moved struct{ change, leaver, newcomer int64 }
	bytes := make(map[int]moved) // by the size of the set
	for _, n := range []int{500, 5000} {
		path := fmt.Sprintf("/services/web-%d", n)
		operator.fill(path, n)
		proxy := testserver.NewProxy(t, server.Addr())
		client := connect(t, proxy.Addr())
		var m moved
		measure := func(what string, f func()) (bytes int64) {
			t.Helper()
			before, traffic, start := requests(t, server), proxy.Traffic(), time.Now()
			f()
			took := time.Since(start)
			moved := proxy.Traffic().Since(traffic)
			t.Logf("%5d instances: %-12s %10v %6d requests %8d bytes read %7d written", n, what,
				took.Round(100*time.Microsecond), requests(t, server)-before, moved.ToClient, moved.ToServer)
			return moved.ToClient + moved.ToServer
		}
		var w *tail
		measure("first set", func() {
			w = watch(t, instancer(t, client, path))
			w.until("all are seen", func() bool { return w.len() == n })
		})
		first := path + "/10.11.0.0:8080-abcdefghijklm"
		m.change = measure("a change", func() {
			operator.set(first, nodeData("10.11.0.0:8080", 7))
			w.has("the change", func(in *sd.Instance) bool { return in.Weight == 7 })
		})
		m.leaver = measure("a leaver", func() {
			operator.delete(first)
			w.until("one has left", func() bool { return w.len() == n-1 })
		})
		time.Sleep(time.Second / 2) // without a dialer the list is not read again at once
		m.newcomer = measure("a newcomer", func() {
			operator.make(first, nodeData("10.11.0.0:8080", 8))
			w.until("one has come", func() bool { return w.len() == n })
		})
		bytes[n] = m
		w.end()
	}
	few, many := bytes[500], bytes[5000]
	const stray = 4 // a ping, or a node read twice; what grows with the set is ten times as much and more
	if many.change > stray*few.change {
		t.Errorf("a change moves %d bytes in a set of 500 and %d in one of 5,000", few.change, many.change)
	}
	if all && (many.leaver > stray*few.leaver || many.newcomer > stray*few.newcomer) {
		t.Errorf("a leaver and a newcomer move %d and %d bytes in a set of 500, and %d and %d in one of 5,000",
			few.leaver, few.newcomer, many.leaver, many.newcomer)
	}
}
