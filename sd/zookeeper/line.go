package zookeeper

import (
	"bufio"
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// calmDown is how long after it set some of its watches again a client has surely
// set all of them: it sends them in pieces, and does not say how many.
const calmDown = 5 * time.Second

// shortest is how long the first answer of a server is waited for at least.
const shortest = time.Second

// A line is one connection of the client's. It passes on what either side says, and
// listens; it adds requests of our own, with numbers that the client does not use,
// and keeps their replies to itself. The client reads in one goroutine.
type line struct {
	net.Conn
	dialer *Dialer

	in    *bufio.Reader
	begun bool   // the first frame was read
	ready []byte // of a frame, and not yet read by the client
	rest  int    // of a frame that the client may read as it comes

	writing sync.Mutex // taken before any other
	greeted bool

	held hold

	mu        sync.Mutex
	timeout   time.Duration // the session's, once that is asked for
	deadlines int           // how many there were for reads

	// Guarded by the Dialer's lock.
	seen     int64              // the last transaction that the server told of
	restored bool               // there were no watches to set again, or long ago
	since    time.Time          // when it began, or the client set watches last
	sets     map[int32]struct{} // the numbers of such requests without a reply
	asked    map[int32]question
	number   int32 // of our last request
}

func newLine(conn net.Conn, d *Dialer) *line {
	return &line{
		Conn: conn, dialer: d, in: bufio.NewReader(conn),
		sets: make(map[int32]struct{}), asked: make(map[int32]question), number: -1000,
	}
}

// whole reports whether the client's watches have been told all that the line has
// seen. The caller has the Dialer's lock.
func (l *line) whole() bool {
	return l.restored || len(l.sets) == 0 && time.Since(l.since) > calmDown
}

// plant returns the requests for a tree: the watch; what gives others theirs back on
// the list of the children, whose place it takes; and to check, what tells whether the
// bells missed anything before. The caller has the Dialer's lock.
func (l *line) plant(t *tree, check bool) (requests [][]byte) {
	if l.dialer.ignored {
		return nil
	}
	if t.line == l && t.stands {
		t.told = l.seen
	}
	t.line, t.stands, t.refused = l, false, false
	t.round++
	next := func(check, last, aside bool) int32 {
		l.number--
		l.asked[l.number] = question{t, t.round, t.told, check, last, aside}
		return l.number
	}
	requests = append(requests,
		request(next(false, !check, false), opAddWatch, nil, t.path, 0, 0, 0, recursive),
		request(next(false, false, true), opSetWatches, childrenAfter(l.seen), t.path))
	if check {
		requests = append(requests, request(next(true, true, false), opExists, nil, t.path, 0))
	}
	return requests
}

// send makes requests of ours. An error is the client's too, who will be told. The
// caller is the one who writes.
func (l *line) send(requests [][]byte) {
	for _, r := range requests {
		_, _ = l.Conn.Write(r)
	}
}

// Write passes on a request, which the client writes in one piece.
func (l *line) Write(b []byte) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if !l.greeted {
		l.greeted = true
		l.greet(b)
		return l.Conn.Write(b)
	}
	after := l.overhear(b)
	n, err := l.Conn.Write(b)
	if operation(b) == opSetWatches {
		l.held.release()
	}
	l.send(after)
	return n, err
}

// greet mends the request that the client begins with: its length, the protocol's
// version, the last transaction seen, the session's timeout in milliseconds, the
// session and its password.
func (l *line) greet(b []byte) {
	const version, seen, timeout = 4, 8, 4
	if len(b) < frameHead+version+seen+timeout {
		return
	}
	at := frameHead + version
	session := time.Duration(binary.BigEndian.Uint32(b[at+seen:])) * time.Millisecond
	if l.dialer.silence() > session {
		clear(b[at : at+seen]) // the buffer is the client's, and for this only
	}
	l.mu.Lock()
	l.timeout = session
	l.mu.Unlock()
}

// overhear mends a request of the client's if need be, and returns those that must
// follow it: a server keeps one kind of watch for a path and a client, and one that
// tells once takes the place of ours.
func (l *line) overhear(b []byte) (after [][]byte) {
	d := l.dialer
	var paths [][]byte
	sets := operation(b) == opSetWatches
	if sets {
		paths = watchedAgain(b)
	} else if !watches(b) {
		return nil
	} else {
		paths = watched(b)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watches = true
	if d.line != l {
		return nil
	}
	if sets && len(b) >= requestHead+8 {
		if int64(binary.BigEndian.Uint64(b[requestHead:])) > d.settled {
			binary.BigEndian.PutUint64(b[requestHead:], uint64(d.settled))
		}
		l.restored, l.since = false, time.Now()
		l.sets[int32(binary.BigEndian.Uint32(b[frameHead:]))] = struct{}{}
	}
	for _, path := range paths {
		switch t := d.trees[string(path)]; {
		case t == nil:
		case len(t.bells) == 0:
			delete(d.trees, t.path) // nobody minds, and who comes next asks again
		default:
			after = append(after, l.plant(t, true)...)
		}
	}
	return after
}

// Close ends what the line knows first: whatever it has told until now was told.
func (l *line) Close() error {
	l.held.release()
	l.dialer.end(l)
	return l.Conn.Close()
}

// SetReadDeadline bounds the wait for the first answer, which the client gives one
// long deadline and then none. From its second deadline on it knows best.
func (l *line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	if !t.IsZero() {
		l.deadlines++
	}
	limit := time.Now().Add(max(l.timeout/3, shortest))
	if l.deadlines == 1 && l.timeout > 0 && (t.IsZero() || t.After(limit)) {
		t = limit
	}
	l.mu.Unlock()
	return l.Conn.SetReadDeadline(t)
}

// patience is how long answers may be held back.
func (l *line) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(longest, l.timeout/4)
}
