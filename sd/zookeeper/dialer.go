package zookeeper

import (
	"maps"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// Dialer makes the connections of one client, given to it by [zk.WithDialer]. The
// client finds back after outages in which it would otherwise be stuck:
//
//   - A server refuses a client that has seen a later state than the server has,
//     which after a restart without its data is every client, for ever. Once a
//     session must have expired, for nothing was heard for longer than its timeout,
//     what it has seen binds nobody: then the client says that it has seen nothing.
//   - A server that accepts a connection and stays silent is waited for during six
//     sessions. A Dialer gives it up after a third of one, and a second at least, so
//     that the session is still there when the next is tried.
//   - Where the connection breaks twice in a row, the client has the server watch
//     for what comes after changes that it never heard of. A Dialer has it begin
//     with the last that was heard.
//   - The answer to what was asked while the connection was away overwrites what the
//     client reads at the same time to set its watches again: a data race. A Dialer
//     keeps such answers back until it has, half a second at most.
//
// It also lets watches ask for what the client has no function for, persistent
// recursive watches: see [WatchDialer].
//
// The zero value is ready for use. A Dialer is safe for concurrent use and must not
// be copied; use it for one client, whose session it follows.
type Dialer struct {
	// Next makes the connections; if nil it is [net.DialTimeout].
	Next zk.Dialer

	mu      sync.Mutex
	heard   time.Time // when a server answered last
	line    *line     // that has a session, or nil
	session int64     // the last
	settled int64     // the transaction up to which the client's watches were told all
	trees   map[string]*tree
	watches bool // the client may have some, of its own, in the session
	ignored bool // the server knows no recursive watches
}

// Dial is a [zk.Dialer].
func (d *Dialer) Dial(network, address string, timeout time.Duration) (net.Conn, error) {
	next := d.Next
	if next == nil {
		next = net.DialTimeout
	}
	conn, err := next(network, address, timeout)
	if err != nil {
		return nil, err
	}
	return newLine(conn, d), nil
}

func (d *Dialer) hear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = time.Now()
}

func (d *Dialer) silence() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.heard)
}

// follows reports whether that is the session of the dialer's client. Then none of
// its watches misses anything while the session lasts.
func (d *Dialer) follows(session int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return session != 0 && d.session == session
}

// begin is that the line has a session now. What it returns must be sent before
// anything of the client's.
func (d *Dialer) begin(l *line, session int64) (requests [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line != nil {
		d.part(d.line)
	}
	d.line, l.since = l, time.Now()
	if d.session != session {
		// Nothing is known of it yet, and the client has no watches to set again.
		d.session, d.settled, d.watches = session, 0, false
		l.restored = true
		for _, t := range d.trees {
			t.told = 0
		}
	}
	if d.watches {
		l.held.begin()
	}
	maps.DeleteFunc(d.trees, func(_ string, t *tree) bool { return len(t.bells) == 0 }) // as the server did
	for _, t := range d.trees {
		requests = append(requests, l.plant(t, true)...)
	}
	return requests
}

// end is that the line is of no more use.
func (d *Dialer) end(l *line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == l {
		d.part(l)
		d.line = nil
	}
}

// part notes up to where a line told all there was to tell.
func (d *Dialer) part(l *line) {
	if l.whole() {
		d.settled = l.seen
	}
	for _, t := range d.trees {
		if t.line == l && t.stands {
			t.told = l.seen
		}
		t.line, t.stands = nil, false
	}
}
