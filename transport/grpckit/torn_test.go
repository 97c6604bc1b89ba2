package grpckit_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/dowelkit/dowel/transport/grpckit"
)

// torn is a connection that cannot be written to any more once it is broken.
type torn struct {
	net.Conn
	broken atomic.Bool
}

func (c *torn) Write(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(b)
}

// Answers that came in before a server hung up are read although nothing can be written
// any more: gRPC relies on it.
func TestAnswersAreReadAfterAWriteFailed(t *testing.T) {
	ca := newAuthority(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, "echo")}, NextProtos: []string{"h2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	broken := make(chan struct{})
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.WriteString(conn, "settings")
			<-broken
			_, _ = io.WriteString(conn, "an answer")
			_ = conn.Close()
		}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	wire := &torn{Conn: raw}
	conn, _, err := grpckit.NewClientTLS(&tls.Config{RootCAs: ca.pool()}).ClientHandshake(within(t), "echo", wire)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("settings"))); err != nil {
		t.Fatal(err)
	}
	wire.broken.Store(true)
	close(broken)
	if _, err := conn.Write([]byte("an acknowledgement")); !errors.Is(err, syscall.EPIPE) {
		t.Fatalf("it can be written to: %v", err)
	}
	if text, err := io.ReadAll(conn); string(text) != "an answer" {
		t.Errorf("it says %q: %v", text, err)
	}
}
