package testserver

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// link is one connection through a proxy. It ends when both directions have ended,
// in order, or when its context does, by a reset.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	cancel context.CancelFunc
}

func (l *link) run(ctx context.Context) {
	defer l.cancel()
	defer func() {
		l.proxy.mu.Lock()
		delete(l.proxy.links, l)
		l.proxy.mu.Unlock()
	}()
	// Packets of a handshake go both ways.
	if !l.proxy.passable(ctx, BothWays) {
		reset(l.client)
		return
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.proxy.target)
	if err != nil {
		reset(l.client)
		return
	}
	server := conn.(*net.TCPConn)
	stop := context.AfterFunc(ctx, func() {
		reset(l.client)
		reset(server)
	})
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(ctx, server, l.client, ToServer, &l.proxy.toServer) })
	pumps.Go(func() { l.pump(ctx, l.client, server, ToClient, &l.proxy.toClient) })
	pumps.Wait()
	if stop() {
		l.client.Close()
		server.Close()
	}
}

// pump copies in one direction until the source ends. It asks whether it may pass
// after it has read: a read may have begun before the cut.
func (l *link) pump(ctx context.Context, to, from *net.TCPConn, d Direction, count *atomic.Int64) {
	buf := make([]byte, 32<<10)
	for {
		n, readErr := from.Read(buf)
		if !l.proxy.passable(ctx, d) {
			return
		}
		count.Add(int64(n)) // before anybody can have heard it
		if _, err := to.Write(buf[:n]); err != nil {
			// The sender would be told by a packet that goes the other way.
			if l.proxy.passable(ctx, BothWays-d) {
				l.cancel()
			}
			return
		}
		switch {
		case errors.Is(readErr, io.EOF):
			_ = to.CloseWrite() // an error means that the other end has gone
			return
		case readErr != nil:
			l.cancel()
			return
		}
	}
}

// reset closes a connection without its orderly end.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
