package zookeeper_test

import (
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

// client returns one of the fake, in a bubble.
func (f *fake) client(t testing.TB, told bool) *zk.Conn {
	if told {
		return connectFor(t, 10*time.Second, f.dial, "127.0.0.1:1")
	}
	return open(t, 10*time.Second, orderly(f.dial), "127.0.0.1:1")
}
