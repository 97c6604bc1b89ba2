package zookeeper_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"time"
)

// A fakeLine is a connection. Its maps are guarded by the fake's lock.
type fakeLine struct {
	net.Conn
	fake                  *fake
	number                int
	session               int64
	out                   chan []byte
	data, children, trees map[string]bool
}

func (l *fakeLine) write() {
	for b := range l.out {
		if _, err := l.Conn.Write(b); err != nil {
			l.Close()
			return
		}
	}
}

// tell sends an event to who watches for it. The caller has the lock.
func (l *fakeLine) tell(kind int32, path string) {
	watches := l.data
	if kind == childrenChanged {
		watches = l.children
	}
	hit := watches[path]
	delete(watches, path)
	if kind == deleted {
		hit = hit || l.children[path]
		delete(l.children, path)
	}
	for tree := range l.trees {
		hit = hit || kind != childrenChanged && (path == tree || strings.HasPrefix(path, tree+"/"))
	}
	if hit {
		l.send(-1, -1, 0, appendText(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(kind)), 3), path))
	}
}

func (l *fakeLine) send(number int32, zxid int64, code int32, body []byte) {
	b := make([]byte, 4, 20+len(body))
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	b = binary.BigEndian.AppendUint64(b, uint64(zxid))
	b = append(binary.BigEndian.AppendUint32(b, uint32(code)), body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	select {
	case l.out <- b:
	default:
		panic("a client of the fake does not read")
	}
}

func (l *fakeLine) read() {
	defer func() {
		l.Close()
		l.fake.mu.Lock()
		defer l.fake.mu.Unlock()
		delete(l.fake.lines, l)
		close(l.out)
	}()
	hello, err := frame(l)
	if err != nil {
		return
	}
	welcome, session := l.fake.welcome(hello)
	l.session = session
	if _, err := l.Conn.Write(welcome); err != nil || session == 0 {
		return
	}
	for {
		b, err := frame(l)
		if err != nil || !l.answer(b) {
			return
		}
	}
}

func frame(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head))
	_, err := io.ReadFull(r, b)
	return b, err
}

// welcome lets every session live until it is said to have expired.
func (f *fake) welcome(hello []byte) (b []byte, session int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	session = int64(binary.BigEndian.Uint64(hello[16:]))
	switch {
	case session == 0:
		f.session++
		session = f.session
	case session <= f.expired:
		session = 0
	}
	b = binary.BigEndian.AppendUint32(nil, 4+4+8+4+16)
	b = append(b, 0, 0, 0, 0)
	b = append(b, hello[12:16]...)
	b = binary.BigEndian.AppendUint64(b, uint64(session))
	b = binary.BigEndian.AppendUint32(b, 16)
	return append(b, make([]byte, 16)...), session
}

// answer returns false if the connection is over.
func (l *fakeLine) answer(b []byte) bool {
	f := l.fake
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lines[l] {
		return false
	}
	number, op := int32(binary.BigEndian.Uint32(b)), int32(binary.BigEndian.Uint32(b[4:]))
	rest := bytes.NewBuffer(b[8:])
	reply := func(code int32, body []byte) { l.send(number, f.zxid, code, body) }
	if f.swallow[op] {
		return true
	}
	switch op {
	case opPing:
		reply(0, nil)
		return true
	case opClose:
		reply(0, nil)
		return false
	case opSetWatches:
		f.asked = append(f.asked, question{time.Now(), op, "", l.number})
		l.again(rest)
		reply(0, nil)
		return true
	}
	path := readText(rest)
	f.asked = append(f.asked, question{time.Now(), op, path, l.number})
	n, watch := f.nodes[path], rest.Len() == 1 && rest.Bytes()[0] == 1
	switch {
	case op == opAddWatch && f.old:
		reply(codeUnimplemented, nil)
		time.AfterFunc(time.Millisecond, func() { l.Close() })
	case op == opAddWatch:
		l.trees[path] = true
		delete(l.children, path) // there is one kind of watch for a path
		reply(0, make([]byte, 4))
	case op == opCreate && n != nil:
		reply(codeNodeExists, nil)
	case op == opCreate:
		f.put(path, readText(rest))
		f.nodes[path].owner = l.session // all are ephemeral here
		reply(0, appendText(nil, path))
	case op == opExists && n == nil:
		l.watch(path, watch)
		reply(codeNoNode, nil)
	case n == nil:
		reply(codeNoNode, nil)
	case op == opDelete:
		f.take(path)
		reply(0, nil)
	case op == opExists:
		l.watch(path, watch)
		reply(0, f.stat(path, nil))
	case op == opGetData && f.refused[path] != 0:
		reply(f.refused[path], nil)
	case op == opGetData:
		l.watch(path, watch)
		reply(0, f.stat(path, appendText(nil, string(n.data))))
	case op == opChildren:
		l.children[path] = l.children[path] || watch
		names := f.children(path)
		body := binary.BigEndian.AppendUint32(nil, uint32(len(names)))
		for _, name := range names {
			body = appendText(body, name)
		}
		reply(0, f.stat(path, body))
	default:
		panic("the fake does not know what is asked")
	}
	return true
}

// watch sets a watch on data, which takes the place of a recursive one.
func (l *fakeLine) watch(path string, set bool) {
	if set {
		l.data[path] = true
		delete(l.trees, path)
	}
}

// again sets watches that a client had on another connection.
func (l *fakeLine) again(rest *bytes.Buffer) {
	f := l.fake
	since := int64(binary.BigEndian.Uint64(rest.Next(8)))
	for i, watches := range []map[string]bool{l.data, l.data, l.children} {
		for range binary.BigEndian.Uint32(rest.Next(4)) {
			path := readText(rest)
			if watches[path] = true; i < 2 {
				l.watch(path, true)
			}
			switch n := f.nodes[path]; {
			case n == nil && i != 1:
				l.tell(deleted, path)
			case n != nil && i == 1:
				l.tell(created, path)
			case n != nil && i == 0 && n.mzxid > since:
				l.tell(dataChanged, path)
			case n != nil && i == 2 && n.pzxid > since:
				l.tell(childrenChanged, path)
			}
		}
	}
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func readText(b *bytes.Buffer) string {
	return string(b.Next(int(binary.BigEndian.Uint32(b.Next(4)))))
}
