package zookeeper

import (
	"context"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// glance is how often the state of the connection is looked at: the client tells
	// its events to one channel, which belongs to the user. It must be shorter than
	// the second that the client waits before it calls the same server again; a
	// connection to another server is known by its address.
	glance = 200 * time.Millisecond
	// soon is the same at first while there is no connection.
	soon = 25 * time.Millisecond
)

// A pulse looks at the user's connection for all watches of an Instancer, or all
// registrations of a Registrar, so that thousands of them need one timer. It looks
// while somebody has joined. It is safe for concurrent use.
type pulse struct {
	conn *zk.Conn

	mu    sync.Mutex
	users int
	end   func() // of looking, while there are users
	last  beat
	news  chan struct{} // closed and replaced when last changes
}

// A beat is what was seen of the connection.
type beat struct {
	up      bool
	closed  bool // the client, by the user
	session int64
	server  string
	falls   int // how often it went down
}

func newPulse(conn *zk.Conn) *pulse { return &pulse{conn: conn, news: make(chan struct{})} }

// join has the pulse look until leave is called.
func (p *pulse) join() (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users++; p.users == 1 {
		p.see(false)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.look(ctx)
		}()
		p.end = func() { cancel(); <-done }
	}
	return func() {
		p.mu.Lock()
		p.users--
		end := p.end
		idle := p.users == 0
		p.mu.Unlock()
		if idle {
			end()
		}
	}
}

func (p *pulse) look(ctx context.Context) {
	for wait := soon; ; {
		if pause(ctx, wait) != nil {
			return
		}
		shut := closed(ctx, p.conn)
		p.mu.Lock()
		p.see(shut)
		up := p.last.up
		p.mu.Unlock()
		if wait = min(wait*3/2, glance); up {
			wait = glance
		}
	}
}

// see notes the state of the connection. The caller has the lock.
func (p *pulse) see(shut bool) {
	now := beat{up: p.up(), closed: shut, falls: p.last.falls}
	now.session, now.server = p.conn.SessionID(), p.conn.Server()
	if p.last.up && !now.up {
		now.falls++
	}
	if now != p.last {
		p.last = now
		close(p.news)
		p.news = make(chan struct{})
	}
}

func (p *pulse) up() bool { return p.conn.State() == zk.StateHasSession }

// now returns what was seen last, and a channel that is closed when that changes.
func (p *pulse) now() (beat, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.news
}

// closed reports whether the user has closed the client. Its state is then that of
// one between two connections; but that one does not stay there, and takes a call,
// which it keeps for its next connection. So it is not asked before it has stayed.
func closed(ctx context.Context, conn *zk.Conn) bool {
	for start := time.Now(); ; {
		if conn.State() != zk.StateDisconnected {
			return false
		}
		if time.Since(start) >= glance/2 {
			break
		}
		if pause(ctx, soon) != nil {
			return false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	err, late := do(ctx, func() error { _, _, err := conn.Exists("/"); return err }, nil)
	return late == nil && err == zk.ErrConnectionClosed && conn.State() == zk.StateDisconnected
}
