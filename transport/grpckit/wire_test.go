package grpckit_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/dowelkit/dowel/transport/grpckit"
)

// wire is a network without sockets, for bubbles.
type wire struct {
	mu        sync.Mutex
	listeners map[string]*bufconn.Listener
	open      map[string][]net.Conn
	down      map[string]string // how, by address
}

// newWiredFleet returns a fleet whose clients need the option of the wire.
func newWiredFleet(t *testing.T, n int) (*fleet, *wire) {
	f := newFleet(t, 0)
	w := &wire{
		listeners: make(map[string]*bufconn.Listener), open: make(map[string][]net.Conn), down: make(map[string]string),
	}
	for i := range n {
		addr := fmt.Sprintf("10.0.0.%d:1", i+1)
		w.listeners[addr] = bufconn.Listen(1 << 16)
		f.start(w.listeners[addr], addr)
	}
	return f, w
}

func (w *wire) option() grpckit.ClientOption {
	return grpckit.DialOptions(grpc.WithContextDialer(w.dial))
}

func (w *wire) dial(ctx context.Context, addr string) (net.Conn, error) {
	w.mu.Lock()
	l, down := w.listeners[addr], w.down[addr]
	w.mu.Unlock()
	switch down {
	case "refused":
		return nil, syscall.ECONNREFUSED
	case "hanging":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	conn, err := l.DialContext(ctx)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open[addr] = append(w.open[addr], conn)
	}
	return conn, err
}

// lose cuts the connections to an address, and says what becomes of others.
func (w *wire) lose(addr, how string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[addr] = how
	for _, c := range w.open[addr] {
		_ = c.Close()
	}
	delete(w.open, addr)
}

// restore lets connections be made again, and time pass until they are.
func (w *wire) restore(addr string) {
	w.mu.Lock()
	delete(w.down, addr)
	w.mu.Unlock()
	time.Sleep(time.Minute) // in a bubble
}
