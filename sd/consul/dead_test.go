package consul_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/consul"
	"github.com/hashicorp/consul/api"
)

// gateway is one that forgets connections: what is sent over them is swallowed and
// nothing comes, for ever. New ones work.
type gateway struct {
	mu    sync.Mutex
	conns []*forgettable
}

func (g *gateway) config(c *api.Config) {
	dial := c.Transport.DialContext
	c.Transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		f := &forgettable{Conn: conn, forgotten: make(chan struct{}), closed: make(chan struct{})}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.conns = append(g.conns, f)
		return f, nil
	}
}

func (g *gateway) forget() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n = len(g.conns)
	for _, c := range g.conns {
		close(c.forgotten)
	}
	g.conns = nil
	return n
}

type forgettable struct {
	net.Conn
	forgotten, closed chan struct{}
	once              sync.Once
}

func (f *forgettable) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	select {
	case <-f.forgotten:
		<-f.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (f *forgettable) Write(p []byte) (int, error) {
	select {
	case <-f.forgotten:
		return len(p), nil
	default:
		return f.Conn.Write(p)
	}
}

func (f *forgettable) Close() error {
	f.once.Do(func() { close(f.closed) })
	return f.Conn.Close()
}

// TestForgottenConnections: all connections of a client die without a word, and a watch
// knows the truth soon, registrations stand, and Deregister needs no deadline. How soon
// is held in bubbles by TestDeadConnections and TestDeregister: here the processors may
// be busy with other things.
func TestForgottenConnections(t *testing.T) {
	const slack = 30 * time.Second
	t.Parallel()
	server := testserver.NewConsul(t)
	var g gateway
	var losses atomic.Int64
	o := operator{dial(t, server.Addr(), g.config), "web"}
	i, r := pair(t, o.Client, o.service, nil, []consul.RegisterOption{consul.RegisterKeep(
		sd.KeepTimeout(slack),
		sd.KeepNotify(func(s sd.RegistrationState) {
			if !s.Registered {
				losses.Add(1)
			}
		}))})
	_, peer := pair(t, dial(t, server.Addr()), o.service, nil, nil)
	mine, err := r.Register(t.Context(), sd.Instance{ID: "a", Addr: "h.example:80"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := watch(ctx, i)
	sees(t, events, "{a}")
	time.Sleep(6 * time.Second) // now questions and heartbeats have connections too

	n := g.forget()
	start := time.Now()
	theirs, err := peer.Register(t.Context(), sd.Instance{ID: "b", Addr: "h.example:81"})
	if err != nil {
		t.Fatal(err)
	}
	took := sees(t, events, "{a b}")
	t.Logf("%d connections died; the truth was seen after %v", n, took)
	if d := time.Since(start); n < 2 || d > slack {
		t.Errorf("after %d connections died the truth was seen after %v", n, d)
	}
	in := mine.Instance()
	in.Weight = 7
	if n := losses.Load(); n > 0 || !mine.State().Registered {
		t.Errorf("the registration was lost %d times and is %+v", n, mine.State())
	}
	g.forget()
	start = time.Now()
	if err := mine.Update(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Logf("and Update took %v", time.Since(start))
	if d := time.Since(start); d > slack {
		t.Errorf("Update took %v", d)
	}
	g.forget()
	start = time.Now()
	if err := mine.Deregister(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Logf("and Deregister without a deadline %v", time.Since(start))
	sees(t, events, "{b}")
	if err := theirs.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
}
