package zookeeper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// grace is how long a connection may be away before that is worth a word. A
	// change of the server takes less; but the word must be out before the sessions
	// of others expire, which is a third of their time after the client noticed.
	grace = 500 * time.Millisecond
	// settling is how long a new connection is left alone, so that the client can
	// tell the server of its watches before anything else is asked.
	settling = 100 * time.Millisecond
	// spread is over how much more time clients spread their questions when a
	// server returns to all of them at once. A longer answer is spread over more:
	// perAnswer for each node, up to widest.
	spread, widest = time.Second, 4 * time.Second
	perAnswer      = 500 * time.Microsecond
)

// A link is what one watch or one registration knows of the user's connection. It
// is not safe for concurrent use. Whoever uses it has joined the pulse.
type link struct {
	*pulse
	session int64
	server  string
	falls   int
	first   bool // nobody else waits for the connection that comes next
	broken  bool // the connection was interrupted since ready returned last
}

func newLink(p *pulse) *link {
	return &link{pulse: p, first: p.up() || p.conn.SessionID() == 0, broken: true}
}

// interrupted reports whether the connection is away, or was since ready returned.
func (l *link) interrupted() bool {
	b, _ := l.now()
	if !b.up || !l.up() || l.session != b.session || l.server != b.server || l.falls != b.falls {
		l.broken = true
	}
	return l.broken
}

// ready waits for a connection, at most for patience, and reports whether it was
// interrupted since the last time. Where it was, ready does not return at once:
// others have lost it too, and each will ask for so many nodes. No call is made while
// there is no connection, for it would wait in the client for as long as that pleases.
func (l *link) ready(ctx context.Context, patience time.Duration, nodes int) (interrupted bool, err error) {
	for start := time.Now(); l.interrupted(); {
		b, news := l.now()
		up := b.up && l.up()
		switch away := time.Since(start); {
		case b.closed:
			return true, fmt.Errorf("zookeeper: the client is closed: %w", zk.ErrClosing)
		case !up && away >= patience:
			return true, fmt.Errorf("zookeeper: %w: %v for %v", errAway, l.conn.State(), away.Round(100*time.Millisecond))
		case !up:
			wait := patience - away
			if b.up {
				wait = min(wait, glance) // what is not yet seen may be over before that
			}
			if err := await(ctx, news, wait); err != nil {
				return true, err
			}
			continue
		}
		interrupted = true
		l.session, l.server, l.falls, l.broken = b.session, b.server, b.falls, false
		if l.first {
			break
		}
		wide := min(spread+time.Duration(nodes)*perAnswer, widest)
		if err := pause(ctx, settling+rand.N(wide)); err != nil {
			l.broken = true
			return true, err
		}
	}
	l.first = false
	return interrupted, nil
}

// await waits until there is news, d is over, or ctx is done, whose error it returns.
func await(ctx context.Context, news <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-news:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func pause(ctx context.Context, d time.Duration) error { return await(ctx, nil, d) }
