package httpkit_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// dial returns a client for a server of the test.
func dial(t testing.TB, base string, opts ...httpkit.ClientOption) *httpkit.Client {
	t.Helper()
	c, err := httpkit.NewClient(base, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// serve runs a handler on loopback and counts the connections it gets.
func serve(t testing.TB, h http.HandlerFunc) (base string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, connections
}

// rawServer answers each connection with f, which gets it after one request was
// read, and closes it then.
func rawServer(t testing.TB, f func(conn net.Conn)) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					buf := make([]byte, max(0, r.ContentLength))
					_, _ = r.Body.Read(buf)
					f(conn)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// refusedAddr returns an address at which nobody listens, and nobody will.
func refusedAddr(t testing.TB) string {
	t.Helper()
	return testserver.Ports(t, 1)[0]
}

type clientWord struct {
	Text string `json:"text"`
}
