package grpckit

import (
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	_ "google.golang.org/grpc/health" // so that connections can watch it

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// link is the connection to one instance. It is the client that the Endpointer keeps:
// it lives as long as the instance, and reconnects by itself.
type link struct {
	// What each call looks at comes first, to be in one line of the cache.
	conn       balancer.SubConn
	load       *lb.Load // nil if nobody wants to know
	connected  atomic.Bool
	picked     atomic.Bool // a call was, since the connection was lost last
	answered   atomic.Bool // and one was answered
	unanswered atomic.Bool // or ended without an answer

	closed   atomic.Bool
	broken   atomic.Pointer[error] // why the last attempt failed, until one succeeds
	balancer *connBalancer
	key      string
	first    chan error // the outcome of the first attempt

	// Only listen has these.
	stood  time.Time // since when it is connected; zero if it is not
	failed bool      // the last attempt did, and no other has begun
	brief  int       // connections in a row that were lost at once
}

// listen is called for each change of the connection, one at a time.
func (l *link) listen(s balancer.SubConnState) {
	if l.closed.Load() {
		return // and it is not dialed again
	}
	switch s.ConnectivityState {
	case connectivity.Ready:
		l.stood, l.failed = time.Now(), false
		l.broken.Store(nil)
		l.connected.Store(true)
		l.outcome(nil)
	case connectivity.TransientFailure:
		l.failed = true
		l.fail(s.ConnectionError)
	case connectivity.Idle: // lost, or the time to try again has come
		l.connected.Store(false)
		l.again()
	case connectivity.Shutdown:
		l.connected.Store(false)
		return
	}
	l.balancer.update()
}

func (l *link) fail(err error) {
	l.connected.Store(false)
	l.broken.Store(&err)
	l.outcome(err)
}

// proof is how long a connection lasts that is one, even if no call is answered on it.
const proof = time.Second

var errBrief = errors.New("grpckit: the connection was lost as soon as it stood")

// again connects again: at once, but if one connection after the other is lost at once.
// grpc-go backs off for those alone that never stand, and a server that accepts and
// fails would keep a processor busy and calls waiting.
func (l *link) again() {
	lost := !l.failed
	lasted := !l.stood.IsZero() && time.Since(l.stood) >= proof
	l.stood, l.failed = time.Time{}, false
	picked, answered, unanswered := l.picked.Swap(false), l.answered.Swap(false), l.unanswered.Swap(false)
	drains := picked && !unanswered // the server lets the calls end: it has but had enough of them
	switch {
	case answered || lasted:
		l.brief = 0
	case lost && !drains:
		l.brief++
	}
	if !lost || drains || l.brief < 2 {
		l.conn.Connect()
		return
	}
	l.fail(errBrief)
	time.AfterFunc(sd.Backoff{}.Delay(l.brief-1), func() {
		if !l.closed.Load() {
			l.conn.Connect() // which does nothing once it is shut down
		}
	})
}

// mark sets what is set most often already, without a write then.
func mark(b *atomic.Bool) {
	if !b.Load() {
		b.Store(true)
	}
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
