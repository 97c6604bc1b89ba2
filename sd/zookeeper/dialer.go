package zookeeper

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// Dialer returns a dialer for [zk.WithDialer] that lets a client find back after
// outages in which it would otherwise be stuck:
//
//   - A server refuses a client that has seen a later state than the server has,
//     which after a restart without its data is every client, for ever. Once a
//     session must have expired, for nothing was heard for longer than its timeout,
//     what it has seen binds nobody: then the client says that it has seen nothing.
//   - A server that accepts a connection and stays silent is waited for during six
//     sessions. This dialer gives it up after one, so that the next is tried.
//
// next makes the connections; if nil it is [net.DialTimeout]. Use a Dialer for one
// client: it remembers when that one last heard of a server.
func Dialer(next zk.Dialer) zk.Dialer {
	if next == nil {
		next = net.DialTimeout
	}
	d := &dialer{}
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		conn, err := next(network, address, timeout)
		if err != nil {
			return nil, err
		}
		return &greeting{Conn: conn, dialer: d}, nil
	}
}

type dialer struct {
	mu    sync.Mutex
	heard time.Time // when a server answered last
}

func (d *dialer) hear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = time.Now()
}

func (d *dialer) silence() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.heard)
}

// greeting is a connection that mends how the client begins.
type greeting struct {
	net.Conn
	*dialer
	greeted bool // the client writes from one goroutine at a time

	mu        sync.Mutex
	timeout   time.Duration // the session's, once that is asked for
	deadlines int           // how many there were for reads
}

// Write finds the request that the client begins with, in one piece: its length,
// the protocol's version, the last transaction seen, the session's timeout in
// milliseconds, the session and its password.
func (g *greeting) Write(b []byte) (int, error) {
	const length, version, seen, timeout = 4, 4, 8, 4
	if !g.greeted && len(b) >= length+version+seen+timeout {
		g.greeted = true
		at := length + version
		session := time.Duration(binary.BigEndian.Uint32(b[at+seen:])) * time.Millisecond
		if g.dialer.silence() > session {
			clear(b[at : at+seen]) // the buffer is the client's, and for this only
		}
		g.mu.Lock()
		g.timeout = session
		g.mu.Unlock()
	}
	return g.Conn.Write(b)
}

func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n > 0 {
		g.dialer.hear()
	}
	return n, err
}

// SetReadDeadline bounds the wait for the first answer, which the client gives one
// long deadline and then none. From its second deadline on it knows best.
func (g *greeting) SetReadDeadline(t time.Time) error {
	g.mu.Lock()
	if !t.IsZero() {
		g.deadlines++
	}
	if limit := time.Now().Add(g.timeout); g.deadlines == 1 && g.timeout > 0 && (t.IsZero() || t.After(limit)) {
		t = limit
	}
	g.mu.Unlock()
	return g.Conn.SetReadDeadline(t)
}
