package zookeeper_test

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// orderly keeps clients that have no Dialer from a data race of their own, which a
// Dialer keeps them from too: a client that sets its watches again reads the last
// transaction it has seen while an answer may overwrite it. And it has them give up a
// server that accepts them and stays silent, as one does that has just begun: without
// a Dialer they wait for six sessions.
func orderly(dial zk.Dialer) zk.Dialer {
	return func(network, address string, timeout time.Duration) (net.Conn, error) {
		conn, err := dial(network, address, timeout)
		if err != nil {
			return nil, err
		}
		return &orderlyConn{Conn: conn, set: make(chan struct{}), welcome: 4}, nil
	}
}

type orderlyConn struct {
	net.Conn
	writes  int
	once    sync.Once
	set     chan struct{} // closed once watches were set again, or never will be
	read    int
	welcome int // how much of what is read first answers the client's first word
}

func (c *orderlyConn) Write(b []byte) (int, error) {
	const session, op = 4 + 4 + 8 + 4, 4 + 4
	n, err := c.Conn.Write(b)
	switch c.writes++; {
	case c.writes == 1 && len(b) >= session+8 && binary.BigEndian.Uint64(b[session:]) == 0,
		c.writes > 1 && len(b) >= op+4 && binary.BigEndian.Uint32(b[op:]) == opSetWatches:
		c.once.Do(func() { close(c.set) })
	}
	return n, err
}

// SetReadDeadline bounds the wait for the first answer.
func (c *orderlyConn) SetReadDeadline(t time.Time) error {
	if soon := time.Now().Add(timeout); c.read < c.welcome && t.After(soon) {
		t = soon
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *orderlyConn) Read(b []byte) (int, error) {
	if c.read >= c.welcome {
		// What sets no watches again does not say so.
		t := time.AfterFunc(100*time.Millisecond, func() { c.once.Do(func() { close(c.set) }) })
		<-c.set
		t.Stop()
	}
	n, err := c.Conn.Read(b)
	if c.read += n; c.read == 4 && c.welcome == 4 && n == 4 {
		c.welcome += int(binary.BigEndian.Uint32(b))
	}
	return n, err
}
