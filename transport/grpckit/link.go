package grpckit

import (
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	_ "google.golang.org/grpc/health" // so that connections can watch it

	"github.com/dowelkit/dowel/lb"
)

// link is the connection to one instance. It is the client that the Endpointer keeps:
// it lives as long as the instance, and reconnects by itself.
type link struct {
	balancer  *connBalancer
	key       string
	load      *lb.Load // nil if nobody wants to know
	conn      balancer.SubConn
	first     chan error // the outcome of the first attempt
	connected atomic.Bool
	closed    atomic.Bool
	broken    atomic.Pointer[error] // why the last attempt failed, until one succeeds
}

// listen is called for each change of the connection, one at a time.
func (l *link) listen(s balancer.SubConnState) {
	if l.closed.Load() {
		return // and it is not dialed again
	}
	switch s.ConnectivityState {
	case connectivity.Ready:
		l.broken.Store(nil)
		l.connected.Store(true)
		l.outcome(nil)
	case connectivity.TransientFailure:
		l.connected.Store(false)
		err := s.ConnectionError
		l.broken.Store(&err)
		l.outcome(err)
	case connectivity.Idle: // lost, or the time to try again has come
		l.connected.Store(false)
		l.conn.Connect()
	case connectivity.Shutdown:
		l.connected.Store(false)
		return
	}
	l.balancer.update()
}

func (l *link) outcome(err error) {
	select {
	case l.first <- err:
	default: // nobody reads but the first
	}
}

// parting is how long a call that was picked has to begin a stream on the connection. If
// that is shut down before, and other streams last, grpc-go 1.85 lets the call wait for
// them instead of picking again.
const parting = time.Second

// Close lets the calls in flight end, and takes no more.
func (l *link) Close() {
	l.closed.Store(true)
	l.connected.Store(false)
	l.balancer.roster.left(l)
	l.balancer.update()
	time.AfterFunc(parting, l.conn.Shutdown)
}
