package etcd_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

var (
	old  = sd.Instance{ID: "x", Addr: "old:1"}
	twin = sd.Instance{ID: "x", Addr: "twin:1"}
)

// TestGhost: a process that hung until its lease had run out, and was started again
// elsewhere, comes to.
func TestGhost(t *testing.T) {
	beside(t)
	r := &registry{server: testserver.NewEtcd(t)}
	r.admin = dial(t, r.server.Addr())
	hung := &grave{}
	ghost := newRegistrar(t, dial(t, r.server.Addr(), hung.options()), "/s")
	living := newRegistrar(t, r.admin, "/s")
	w := watch(t, newInstancer(t, r.admin, "/s"))

	register(t, ghost, old)
	w.sees("x=old:1")
	hung.bury("/s/x", r.lease(t, "/s/x"))
	t.Logf("gone %v after the last word, with a TTL of %v", w.sees(), ttl)
	second := register(t, living, twin)
	w.sees("x=twin:1")
	_, before, _ := w.state()
	hung.raise()
	time.Sleep(2 * ttl)
	if _, after, _ := w.state(); after != before {
		t.Error("the ghost touched its twin")
	}
	w.sees("x=twin:1")

	// It lives, after all, and comes back when there is no other.
	deregister(t, second)
	t.Logf("the ghost is back %v after its twin left", w.sees("x=old:1"))
}

// TestGhostInFlight: the write of a process that died arrives when its successor has
// registered.
func TestGhostInFlight(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	slow := &sluice{reached: make(chan struct{}), open: make(chan struct{})}
	ghost := newRegistrar(t, dial(t, server.Addr(), with(grpc.WithChainUnaryInterceptor(slow.pass))), "/s")
	admin := dial(t, server.Addr())
	w := watch(t, newInstancer(t, admin, "/s"))

	registered := make(chan *sd.Registration)
	go func() {
		registration, err := ghost.Register(context.Background(), old)
		if err != nil {
			t.Error(err)
		}
		registered <- registration
	}()
	<-slow.reached
	register(t, newRegistrar(t, admin, "/s"), twin)
	w.sees("x=twin:1")
	close(slow.open)
	late := <-registered
	defer deregister(t, late)
	time.Sleep(ttl)
	w.sees("x=twin:1")
	if set, sets, errs := w.state(); sets > 2 || len(errs) > 0 {
		t.Errorf("the ghost touched its twin: %d sets, the last %s, %v", sets, shown(set), errs)
	}
}

// sluice holds the first write back.
type sluice struct {
	once    sync.Once
	reached chan struct{}
	open    chan struct{}
}

func (s *sluice) pass(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := req.(*etcdserverpb.TxnRequest); ok {
		s.once.Do(func() {
			close(s.reached)
			<-s.open
		})
	}
	return next(ctx, method, req, reply, cc, opts...)
}

// TestLaterWinsAfterLoss: when both are put back at once, the later is the truth,
// whoever is first.
func TestLaterWinsAfterLoss(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	w := watch(t, newInstancer(t, admin, "/s"))
	register(t, newRegistrar(t, admin, "/s"), old)
	register(t, newRegistrar(t, admin, "/s"), twin)
	w.sees("x=twin:1")
	time.Sleep(ttl) // let the first see that it was replaced
	for range 3 {
		if _, err := admin.Delete(t.Context(), "/s/x"); err != nil {
			t.Fatal(err)
		}
		w.sees()
		eventually(t, func() bool { set, _, _ := w.state(); return shown(set) == "x=twin:1" },
			func() string { return "the twin is not back" })
		time.Sleep(ttl)
		w.sees("x=twin:1")
	}
}

// TestLaterTakesOver: the later was away, the earlier is in its place, and the later is
// back.
func TestLaterTakesOver(t *testing.T) {
	beside(t)
	r := &registry{server: testserver.NewEtcd(t)}
	r.admin = dial(t, r.server.Addr())
	away := &grave{}
	w := watch(t, newInstancer(t, r.admin, "/s"))
	register(t, newRegistrar(t, r.admin, "/s"), old)
	register(t, newRegistrar(t, dial(t, r.server.Addr(), away.options()), "/s"), twin)
	w.sees("x=twin:1")
	for range 2 {
		away.bury("/s/x", r.lease(t, "/s/x"))
		w.sees("x=old:1")
		away.raise()
		w.sees("x=twin:1")
		time.Sleep(ttl)
		w.sees("x=twin:1")
	}
}

// TestOperatorsWord: what an operator writes over an entry stands until he deletes it.
func TestOperatorsWord(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	w := watch(t, newInstancer(t, admin, "/s"))
	r := register(t, newRegistrar(t, admin, "/s"), old)
	w.sees("x=old:1")
	before := r.State()
	if _, err := admin.Put(t.Context(), "/s/x", "operator:1"); err != nil {
		t.Fatal(err)
	}
	w.sees("x=operator:1")
	time.Sleep(2 * ttl)
	w.sees("x=operator:1")
	if after := r.State(); after != before {
		t.Errorf("to be replaced is no loss, and the state became %+v", after)
	}
	if resp, err := admin.Leases(t.Context()); err != nil || len(resp.Leases) != 0 {
		t.Errorf("whoever was replaced keeps a lease for nothing: %v, %v", resp.Leases, err)
	}
	if _, err := admin.Delete(t.Context(), "/s/x"); err != nil {
		t.Fatal(err)
	}
	t.Logf("back after %v", w.sees("x=old:1"))
}

// TestTakesOverWhatWasLeft: a process that is started again finds its entry of before.
func TestTakesOverWhatWasLeft(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	w := watch(t, newInstancer(t, admin, "/s"))
	for _, left := range []string{
		"old:1", `{"addr":"old:1"}`, "not an address", // whoever wrote that
		`{"addr":"old:1","generation":4102444800000000}`, // whose clock is ahead by decades
		`{"addr":"old:1","generation":9223372036854775807}`,
		`{"addr":"old:1","generation":-1}`,
	} {
		lease, err := admin.Grant(t.Context(), 60)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Put(t.Context(), "/s/x", left, clientv3.WithLease(lease.ID)); err != nil {
			t.Fatal(err)
		}
		r := register(t, newRegistrar(t, admin, "/s"), twin)
		w.sees("x=twin:1")
		if _, err := admin.Revoke(t.Context(), lease.ID); err != nil {
			t.Error(err)
		}
		time.Sleep(ttl / 3)
		w.sees("x=twin:1")
		deregister(t, r)
		w.sees()
	}
}
