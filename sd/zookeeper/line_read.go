package zookeeper

import (
	"encoding/binary"
	"io"
	"time"
)

// maxWhole bounds what is read at once of what concerns us: an event is a path and a
// little more.
const maxWhole = 1 << 20

// Read passes on what the server says, but for the replies to us.
func (l *line) Read(b []byte) (int, error) {
	for len(l.ready) == 0 && l.rest == 0 {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	if len(l.ready) > 0 {
		n := copy(b, l.ready)
		l.ready = l.ready[n:]
		return n, nil
	}
	n, err := l.in.Read(b[:min(len(b), l.rest)])
	l.rest -= n
	return n, err
}

// next reads the beginning of a frame, and all of it if it concerns us. By then the
// client has read whatever came before, and heeded it.
func (l *line) next() error {
	frame := make([]byte, frameHead, 2*replyHead)
	if _, err := io.ReadFull(l.in, frame); err != nil {
		return err
	}
	l.dialer.hear()
	n := int(int32(binary.BigEndian.Uint32(frame)))
	more := func(n int) (err error) {
		at := len(frame)
		frame = append(frame, make([]byte, n)...)
		_, err = io.ReadFull(l.in, frame[at:])
		return err
	}
	if n < replyHead-frameHead || !l.begun && n > maxWhole {
		l.ready, l.rest = frame, max(n, 0) // no frame that we know
		return nil
	}
	if !l.begun {
		l.begun = true
		err := more(n)
		l.ready = frame
		if err == nil {
			l.welcome(frame)
		}
		return err
	}
	if err := more(replyHead - frameHead); err != nil {
		return err
	}
	body := n - (replyHead - frameHead)
	h := headOf(frame)
	q, ours := l.note(h)
	if !ours && h.number > 0 && h.seen > 0 {
		l.held.wait(l.patience())
	}
	if whole := ours || h.number == ofEvent; !whole || body > maxWhole {
		l.ready, l.rest = frame, body
		return nil
	}
	if err := more(body); err != nil {
		return err
	}
	switch body := frame[replyHead:]; {
	case !ours:
		if kind, path, ok := event(body); ok {
			l.dialer.happened(kind, path)
		}
		l.ready = frame
	case len(body) >= statChildren+8:
		l.dialer.answered(l, q, h.code, int64(binary.BigEndian.Uint64(body[statChildren:])))
	default:
		l.dialer.answered(l, q, h.code, 0)
	}
	return nil
}

// welcome takes the server's first word: the protocol's version, the timeout of the
// session, its number and more. That is 0 if the session has expired.
func (l *line) welcome(frame []byte) {
	const version, timeout = 4, 4
	session := int64(binary.BigEndian.Uint64(frame[frameHead+version+timeout:]))
	if session == 0 {
		return
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	l.send(l.dialer.begin(l, session))
}

// note takes in the head of a reply, and returns the question if it is ours.
func (l *line) note(h head) (q question, ours bool) {
	l.dialer.mu.Lock()
	defer l.dialer.mu.Unlock()
	if h.number == ofEvent {
		return q, false
	}
	if h.seen > l.seen {
		l.seen = h.seen
	}
	if _, set := l.sets[h.number]; set {
		delete(l.sets, h.number)
		l.since = time.Now()
	}
	q, ours = l.asked[h.number]
	delete(l.asked, h.number)
	return q, ours
}
