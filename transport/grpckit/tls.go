package grpckit

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/credentials"
)

// clientTLS is gRPC's TLS whose errors tell why a server hung up.
type clientTLS struct {
	credentials.TransportCredentials
}

func newClientTLS(c *tls.Config) credentials.TransportCredentials {
	return clientTLS{credentials.NewTLS(c)}
}

func (c clientTLS) ClientHandshake(
	ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return &alertConn{Conn: conn}, info, nil
}

func (c clientTLS) Clone() credentials.TransportCredentials {
	return clientTLS{c.TransportCredentials.Clone()}
}

// alertConn looks for the server's last word. With TLS 1.3 a client has done its part
// when the server begins to check its certificate. If it sends an alert then, and closes,
// the client most often finds first that it cannot write any more. Once the server has
// said anything else, what comes in are answers, which gRPC reads after that too.
type alertConn struct {
	net.Conn
	heard atomic.Bool
}

func (c *alertConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}

func (c *alertConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil && !c.heard.Load() && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		for buf := make([]byte, 1024); ; {
			if _, last := c.Conn.Read(buf); isAlert(last) {
				return n, last
			} else if last != nil {
				break
			}
		}
	}
	return n, err
}

// SyscallConn is for grpc-go's channelz, which shows the options of a socket.
func (c *alertConn) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// isAlert reports whether err is an alert of the other side: crypto/tls has no type for
// it but this.
func isAlert(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error"
}
