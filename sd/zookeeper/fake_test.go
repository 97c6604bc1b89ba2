package zookeeper_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

// Operations and codes of the protocol, as far as the fake knows them.
const (
	opCreate, opDelete, opExists, opGetData, opPing = 1, 2, 3, 4, 11
	opChildren, opSetWatches, opAddWatch, opClose   = 12, 101, 106, -11

	codeSystem, codeUnimplemented, codeNoNode, codeNoAuth, codeNodeExists = -1, -6, -101, -102, -110

	created, deleted, dataChanged, childrenChanged = 1, 2, 3, 4
)

// A fake is a server in memory, for a bubble. It does what a real one does only when
// it is old, or in trouble: it refuses a node, breaks connections in the middle of
// something, and notes who asked for what and when. Its time is that of the bubble.
type fake struct {
	old bool // it knows no recursive watches

	mu      sync.Mutex
	zxid    int64
	nodes   map[string]*fakeNode
	lines   map[*fakeLine]bool
	shut    bool
	refused map[string]int32 // codes by path, for who asks for data
	swallow map[int32]bool   // operations that get no reply
	asked   []question
	dials   int
	session int64 // the newest
	expired int64 // the newest of those that are over
}

type fakeNode struct {
	data                []byte
	czxid, mzxid, pzxid int64
	ctime               int64
	owner               int64
}

// A question is what a client asked.
type question struct {
	at   time.Time
	op   int32
	path string
	line int // the number of the connection, from 1
}

func newFake(nodes map[string]string) *fake {
	f := &fake{
		nodes: map[string]*fakeNode{}, lines: map[*fakeLine]bool{},
		refused: map[string]int32{}, swallow: map[int32]bool{},
	}
	for path, data := range nodes {
		f.set(path, data)
	}
	return f
}

// dial is a zk.Dialer.
func (f *fake) dial(string, string, time.Duration) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return nil, io.ErrClosedPipe
	}
	client, server := net.Pipe()
	f.dials++
	l := &fakeLine{
		Conn: server, fake: f, number: f.dials,
		out:  make(chan []byte, 1<<16),
		data: map[string]bool{}, children: map[string]bool{}, trees: map[string]bool{},
	}
	f.lines[l] = true
	go l.write()
	go l.read()
	return client, nil
}

// breakAll breaks all connections, and refuses new ones until open.
func (f *fake) breakAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = true
	for l := range f.lines {
		l.Close()
	}
	clear(f.lines)
}

func (f *fake) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = false
}

// set makes a node or changes its data.
func (f *fake) set(path, data string) { f.do(func() { f.put(path, data) }) }

// put does it for who has the lock.
func (f *fake) put(path, data string) {
	f.zxid++
	n := f.nodes[path]
	if n != nil {
		n.data, n.mzxid = []byte(data), f.zxid
		f.tell(dataChanged, path)
		return
	}
	f.nodes[path] = &fakeNode{data: []byte(data), czxid: f.zxid, mzxid: f.zxid, pzxid: f.zxid, ctime: time.Now().UnixMilli()}
	f.tell(created, path)
	f.changed(path)
}

func (f *fake) remove(path string) { f.do(func() { f.take(path) }) }

func (f *fake) take(path string) {
	f.zxid++
	delete(f.nodes, path)
	f.tell(deleted, path)
	f.changed(path)
}

// changed is that the children of the parent have. The caller has the lock.
func (f *fake) changed(path string) {
	parent := path[:strings.LastIndexByte(path, '/')]
	if n := f.nodes[parent]; n != nil {
		n.pzxid = f.zxid
	}
	f.tell(childrenChanged, parent)
}

func (f *fake) tell(kind int32, path string) {
	for l := range f.lines {
		l.tell(kind, path)
	}
}

// do changes how the fake behaves.
func (f *fake) do(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// count returns how many requests of that kind there were about paths that begin so,
// since that moment, and the first and the last.
func (f *fake) count(since time.Time, prefix string, ops ...int32) (n int, first, last time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.asked {
		for _, op := range ops {
			if q.op == op && strings.HasPrefix(q.path, prefix) && !q.at.Before(since) {
				if n++; n == 1 {
					first = q.at
				}
				last = q.at
			}
		}
	}
	return n, first, last
}

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

func (f *fake) children(path string) (names []string) {
	for p := range f.nodes {
		if name, ok := strings.CutPrefix(p, path+"/"); ok && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// stat appends what is said of a node.
func (f *fake) stat(path string, b []byte) []byte {
	n := f.nodes[path]
	for _, v := range []int64{n.czxid, n.mzxid, n.ctime, n.ctime} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	b = append(b, make([]byte, 4+4+4)...)
	b = binary.BigEndian.AppendUint64(b, uint64(n.owner))
	b = append(b, make([]byte, 4+4)...)
	return binary.BigEndian.AppendUint64(b, uint64(n.pzxid))
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func readText(b *bytes.Buffer) string {
	return string(b.Next(int(binary.BigEndian.Uint32(b.Next(4)))))
}

// client returns one of the fake, in a bubble.
func (f *fake) client(t testing.TB, told bool) *zk.Conn {
	if told {
		return connectFor(t, 10*time.Second, f.dial, "127.0.0.1:1")
	}
	return open(t, 10*time.Second, orderly(f.dial), "127.0.0.1:1")
}
