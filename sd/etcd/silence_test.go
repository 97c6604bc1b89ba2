package etcd_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// outlive registers old and watches by the client, whose connections are n's, forgets
// its connection, and returns once both have lived through it for two times to live.
func outlive(t *testing.T, n *network, client, admin *clientv3.Client) (
	w, truth *watcher, registrar sd.Registrar, r *sd.Registration,
) {
	t.Helper()
	t.Cleanup(func() { // when watches and registrations have ended, and before the client does
		eventually(t, func() bool { return n.open() <= 1 }, func() string { return "spare connections are left" })
	})
	w = watch(t, newInstancer(t, client, "/s"))
	var err error
	registrar, err = etcd.NewRegistrar(client, "/s", etcd.RegisterTTL(6*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	r = register(t, registrar, old)
	truth = watch(t, newInstancer(t, admin, "/s"))
	truth.sees("x=old:1")
	w.sees("x=old:1")

	n.forget()
	start := time.Now()
	register(t, newRegistrar(t, admin, "/s"), sd.Instance{ID: "y", Addr: "y:1"})
	w.sees("x=old:1", "y=y:1")
	t.Logf("the watch is back %v after its connection died", time.Since(start))
	time.Sleep(12*time.Second - time.Since(start)) // it is watched meanwhile: nothing may happen
	if _, sets, errs := truth.state(); sets > 2 || len(errs) > 0 {
		t.Errorf("the registration did not live through it: %d sets, %v", sets, errs)
	}
	if state := r.State(); !state.Registered {
		t.Errorf("%+v", state)
	}
	return w, truth, registrar, r
}

// TestDeadConnection: something in between forgets the connection of a client that has
// no keep-alives, and swallows all that is sent over it, for ever. New connections work.
func TestDeadConnection(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	n := &network{}
	client := dial(t, server.Addr(), with(grpc.WithContextDialer(n.dial)))
	w, truth, registrar, r := outlive(t, n, client, admin)
	if n.open() < 3 {
		t.Errorf("%d connections are open; want the client's, and a spare one each", n.open())
	}
	in := old
	in.Addr = "moved:1"
	if err := r.Update(t.Context(), in); err != nil {
		t.Error(err)
	}
	w.sees("x=moved:1", "y=y:1")
	start := time.Now()
	deregister(t, r)
	w.sees("y=y:1")
	t.Logf("deregistered within %v", time.Since(start))
	if _, _, errs := w.state(); len(errs) == 0 || !errors.Is(errs[0], etcd.ErrSilent) {
		t.Errorf("the watch says %v", errs)
	}

	start = time.Now()
	register(t, registrar, old)
	t.Logf("registered anew after %v", time.Since(start))
	w.sees("x=old:1", "y=y:1")

	// The system gives the connection up at last, and the client's next one is sound.
	truth.sees("x=old:1", "y=y:1")
	before := truth.count()
	n.giveUp()
	start = time.Now()
	eventually(t, func() bool { return n.open() == 1 }, func() string { return "the spare connections are still in use" })
	t.Logf("spare connections are closed %v after the client's is back", time.Since(start))
	register(t, newRegistrar(t, admin, "/s"), sd.Instance{ID: "z", Addr: "z:1"})
	w.sees("x=old:1", "y=y:1", "z=z:1")
	truth.sees("x=old:1", "y=y:1", "z=z:1")
	if n := truth.count() - before; n > 1 {
		t.Errorf("the registration did not live through its way back: %d sets", n)
	}
}

// TestDeadAttempt: the network comes back after a long time, and what was begun before
// that is dead for good.
func TestDeadAttempt(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	n := &network{}
	client := dial(t, server.Addr(), with(grpc.WithContextDialer(n.dial)))
	in, err := etcd.NewInstancer(client, "/s", etcd.WatchSilence(2*time.Second),
		etcd.WatchBackoff(sd.Backoff{Base: time.Millisecond, Cap: time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, in)
	w.sees()
	n.blackout(true)
	failed := func() int { _, _, errs := w.state(); return len(errs) }
	for failed() < 8 { // however often it was tried
		now := failed()
		eventually(t, func() bool { return failed() > now }, func() string { return "no error" })
	}
	opened := n.opened()
	eventually(t, func() bool { return n.opened() > opened }, func() string { return "no new attempt" })
	n.blackout(false)
	start := time.Now()
	register(t, newRegistrar(t, dial(t, server.Addr()), "/s"), old)
	w.sees("x=old:1")
	took := time.Since(start)
	t.Logf("the watch is back after %v", took)
	if took > 10*time.Second { // two dead attempts of 1.3 s and a sound one, on a busy machine
		t.Errorf("the watch was blind for %v", took)
	}
}

// TestDeregisterIsBounded: it waits for a connection that comes back, and not for ever
// for one that does not.
func TestDeregisterIsBounded(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	proxy := testserver.NewProxy(t, server.Addr())
	registrar := newRegistrar(t, dial(t, proxy.Addr()), "/s")
	w := watch(t, newInstancer(t, dial(t, server.Addr()), "/s"))
	for comesBack, begin := range map[bool]func(){
		true:  func() { proxy.Refuse(); proxy.Reset(); time.AfterFunc(time.Second, proxy.Heal) },
		false: func() { proxy.Cut(testserver.BothWays) },
	} {
		r := register(t, registrar, old)
		w.sees("x=old:1")
		begin()
		start := time.Now()
		err := r.Deregister(context.Background())
		took := time.Since(start)
		t.Logf("Deregister returns %v after %v", err, took)
		if (err == nil) != comesBack || took > patience {
			t.Errorf("comes back %v: Deregister returns %v after %v", comesBack, err, took)
		}
		proxy.Heal()
		deregister(t, r)
		w.sees()
	}
}

// network is one whose connections can be forgotten.
type network struct {
	mu    sync.Mutex
	black bool // whatever is dialled is dead from the start
	conns []*deadable
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &deadable{Conn: conn, dead: make(chan struct{}), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, d)
	if n.black {
		d.die()
	}
	return d, nil
}

// blackout kills the connections of now, and while it lasts those that are made.
func (n *network) blackout(begin bool) {
	n.mu.Lock()
	n.black = begin
	n.mu.Unlock()
	if begin {
		n.forget()
	}
}

// giveUp has the dead connections fail.
func (n *network) giveUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.conns {
		select {
		case <-d.dead:
			d.Close()
		default:
		}
	}
}

// opened returns how many connections were made.
func (n *network) opened() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// forget kills the connections of now.
func (n *network) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.conns {
		d.die()
	}
}

// open returns how many connections are not closed.
func (n *network) open() (open int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.conns {
		select {
		case <-d.closed:
		default:
			open++
		}
	}
	return open
}

type deadable struct {
	net.Conn
	once, closing sync.Once
	dead, closed  chan struct{}
}

func (d *deadable) die() { d.once.Do(func() { close(d.dead) }) }

func (d *deadable) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	select {
	case <-d.dead:
		<-d.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (d *deadable) Write(p []byte) (int, error) {
	select {
	case <-d.dead:
		return len(p), nil
	default:
		return d.Conn.Write(p)
	}
}

func (d *deadable) Close() error {
	d.closing.Do(func() { close(d.closed) })
	return d.Conn.Close()
}
