package grpckit

import (
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	_ "google.golang.org/grpc/health" // so that connections can watch it

	"github.com/dowelkit/dowel/lb"
)

// grace is how long a connection that was lost may take to be made again before its
// instance is left out. A server that closes what was idle, and a restart of a proxy,
// take less.
const grace = 250 * time.Millisecond

// link is the connection to one instance. It is the client that the Endpointer keeps:
// it lives as long as the instance, and reconnects by itself.
type link struct {
	balancer  *connBalancer
	key       string
	load      *lb.Load // nil if nobody wants to know
	conn      balancer.SubConn
	first     chan error // the outcome of the first attempt
	connected atomic.Bool
	broken    atomic.Pointer[error] // why the last attempt failed, until one succeeds
	away      atomic.Bool           // it failed, or takes longer than the grace

	mu     sync.Mutex
	timer  *time.Timer // of the grace, nil if it does not run
	closed bool
}

// listen is called for each change of the connection, one at a time.
func (l *link) listen(s balancer.SubConnState) {
	switch s.ConnectivityState {
	case connectivity.Ready:
		l.broken.Store(nil)
		l.connected.Store(true)
		l.set(false)
		l.outcome(nil)
	case connectivity.TransientFailure:
		l.connected.Store(false)
		err := s.ConnectionError
		l.broken.Store(&err)
		l.set(true)
		l.outcome(err)
	case connectivity.Idle: // lost, or the time to try again has come
		l.connected.Store(false)
		l.await()
		l.conn.Connect()
	case connectivity.Shutdown:
		l.connected.Store(false)
		return
	}
	l.balancer.update()
}

// set sets whether the instance is away.
func (l *link) set(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	l.change(away)
}

// change notes who is away, under the lock.
func (l *link) change(away bool) {
	if !l.closed && l.away.Swap(away) != away {
		l.balancer.roster.changes.Add(1)
	}
}

// await begins the grace of a connection that was lost.
func (l *link) await() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil || l.closed {
		return
	}
	l.timer = time.AfterFunc(grace, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.connected.Load() {
			l.change(true)
		}
	})
}

// stop ends the grace.
func (l *link) stop() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

func (l *link) outcome(err error) {
	select {
	case l.first <- err:
	default: // nobody reads but the first
	}
}

// Close lets the calls in flight end, and takes no more.
func (l *link) Close() {
	l.mu.Lock()
	l.closed = true
	l.stop()
	l.mu.Unlock()
	l.connected.Store(false)
	l.balancer.roster.left(l)
	l.conn.Shutdown()
	l.balancer.update()
}
