package testserver

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Direction is a way, or both, that bytes take through a proxy.
type Direction int

// The directions.
const (
	ToServer Direction = 1 << iota
	ToClient
	BothWays = ToServer | ToClient
)

// A Proxy forwards TCP connections to a server, and is the network that fails
// between the two. It is safe for concurrent use and ends with the test.
type Proxy struct {
	t      testing.TB
	addr   string
	target string
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	closed   bool
	links    map[*link]struct{}
	gates    [2]chan struct{} // to the server, to the client; closed while bytes may pass

	connections, toServer, toClient atomic.Int64
}

// Traffic is what went through a proxy since it started.
type Traffic struct {
	Connections        int64
	ToServer, ToClient int64 // bytes; those held back do not count yet
}

// NewProxy starts a proxy in front of the address of a server, which may be down.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, addr: Ports(t, 1)[0], target: target, links: make(map[*link]struct{})}
	for i := range p.gates {
		p.gates[i] = make(chan struct{})
		close(p.gates[i])
	}
	t.Cleanup(p.close)
	p.Heal()
	return p
}

// Addr returns "127.0.0.1:port", for clients. It stays the same.
func (p *Proxy) Addr() string { return p.addr }

// Cut lets no more bytes through in that direction, nor the end of a connection:
// all is held back. Connections stay open, and new ones are accepted but do not
// reach the server. What is cut already stays cut.
func (p *Proxy) Cut(d Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, gate := range p.gates {
		if d&(1<<i) != 0 && isOpen(gate) {
			p.gates[i] = make(chan struct{})
		}
	}
}

// Refuse makes new connections fail at once. Those that are open stay.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
}

// Reset breaks every open connection, for both ends. New ones work.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cancel()
	}
}

// Heal ends what Cut and Refuse began. What was held back flows on, over the same
// connections.
func (p *Proxy) Heal() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, gate := range p.gates {
		if !isOpen(gate) {
			close(gate)
		}
	}
	if p.listener != nil || p.closed {
		return
	}
	listener, err := net.Listen("tcp4", p.addr)
	if err != nil {
		p.t.Errorf("proxy: %v", err)
		return
	}
	p.listener = listener
	p.wg.Go(func() { p.serve(listener) })
}

// Traffic returns what went through so far.
func (p *Proxy) Traffic() Traffic {
	return Traffic{p.connections.Load(), p.toServer.Load(), p.toClient.Load()}
}

// Since returns what went through after the earlier traffic.
func (t Traffic) Since(earlier Traffic) Traffic {
	return Traffic{t.Connections - earlier.Connections, t.ToServer - earlier.ToServer, t.ToClient - earlier.ToClient}
}

func (p *Proxy) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &link{proxy: p, client: conn.(*net.TCPConn), cancel: cancel}
		p.mu.Lock()
		if p.closed {
			cancel()
		}
		p.links[l] = struct{}{}
		p.mu.Unlock()
		p.connections.Add(1)
		p.wg.Go(func() { l.run(ctx) })
	}
}

// passable waits until bytes may go that way, and reports false if ctx ends first.
func (p *Proxy) passable(ctx context.Context, d Direction) bool {
	for i := range p.gates {
		if d&(1<<i) == 0 {
			continue
		}
		p.mu.Lock()
		gate := p.gates[i]
		p.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

func (p *Proxy) close() {
	p.Refuse()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Reset()
	p.wg.Wait()
}

func isOpen(gate chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}
