package zookeeper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// glance is how often the state of the connection is looked at: the client tells
	// its events to one channel, which belongs to the user. It must be shorter than
	// the second that the client waits before it calls the same server again; a
	// connection to another server is known by its address.
	glance = 200 * time.Millisecond
	// calm is the same for registrations, of which a process may have many.
	calm = 500 * time.Millisecond
	// Who waits for a connection looks soon at first and then less and less often,
	// so that thousands who wait do not keep the client from connecting.
	soon, seldom = 25 * time.Millisecond, time.Second
	// grace is how long a connection may be away before that is worth a word. A
	// change of the server takes less; but the word must be out before the sessions
	// of others expire, which is a third of their time after the client noticed.
	grace = 500 * time.Millisecond
	// settling is how long a new connection is left alone, so that the client can
	// tell the server of its watches before anything else is asked.
	settling = 100 * time.Millisecond
	// spread is over how much more time clients spread their questions when a
	// server returns to all of them at once.
	spread = time.Second
)

// A link looks after the user's connection for one watch or one registration. It
// is not safe for concurrent use.
type link struct {
	conn    *zk.Conn
	session int64
	server  string
	broken  bool // the connection was interrupted since ready returned last
}

func newLink(conn *zk.Conn) *link {
	l := &link{conn: conn}
	l.session, l.server = conn.SessionID(), conn.Server()
	return l
}

func (l *link) up() bool { return l.conn.State() == zk.StateHasSession }

// interrupted reports whether the connection is away, or was since ready returned.
func (l *link) interrupted() bool {
	if !l.up() || l.session != l.conn.SessionID() || l.server != l.conn.Server() {
		l.broken = true
	}
	return l.broken
}

// ready waits for a connection, at most for patience, and reports whether it was
// interrupted since the last time. Where it was, ready does not return at once:
// others have lost it too. No call is made while there is no connection, for it
// would wait in the client for as long as that pleases.
func (l *link) ready(ctx context.Context, patience time.Duration) (interrupted bool, err error) {
	first, wait := l.session == 0, soon
	for start := time.Now(); l.interrupted(); {
		if !l.up() {
			if closed(ctx, l.conn) {
				return true, fmt.Errorf("zookeeper: the client is closed: %w", zk.ErrClosing)
			}
			if away := time.Since(start); away >= patience {
				return true, fmt.Errorf("zookeeper: %w: %v for %v", errAway, l.conn.State(), away.Round(100*time.Millisecond))
			}
			if err := pause(ctx, min(wait, patience-time.Since(start))); err != nil {
				return true, err
			}
			wait = min(wait*3/2, seldom)
			continue
		}
		interrupted = true
		l.session, l.server = l.conn.SessionID(), l.conn.Server()
		l.broken = false
		if first {
			break // nobody else began at this moment
		}
		if err := pause(ctx, settling+rand.N(spread)); err != nil {
			l.broken = true
			return true, err
		}
	}
	return interrupted, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closed reports whether the user has closed the client. Its state is then that of
// one between two connections; but that one stays there for an instant only, and
// does not refuse a call.
func closed(ctx context.Context, conn *zk.Conn) bool {
	if conn.State() != zk.StateDisconnected {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	err, late := do(ctx, func() error { _, _, err := conn.Exists("/"); return err }, nil)
	return late == nil && err == zk.ErrConnectionClosed && conn.State() == zk.StateDisconnected
}
