package etcd_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
)

// recovery is how long after the return of etcd all must be as before.
const recovery = 10 * time.Second

// TestWipedAndOutgrown: a server comes back without its data, and has more revisions
// than before when the watch is back.
func TestWipedAndOutgrown(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	proxy := testserver.NewProxy(t, server.Addr())
	client := dial(t, proxy.Addr())
	admin := dial(t, server.Addr())
	w := watch(t, newInstancer(t, client, "/s"))
	register(t, newRegistrar(t, client, "/s"), old)
	if _, err := admin.Put(t.Context(), "/s/y", "y:1"); err != nil {
		t.Fatal(err)
	}
	w.sees("x=old:1", "y=y:1")
	server.Kill()
	proxy.Refuse()
	server.Wipe()
	server.Start()
	if _, err := admin.Put(t.Context(), "/s/z", "z:1"); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := admin.Put(t.Context(), "/other", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.sees("x=old:1", "y=y:1") // it stands as long as nothing is known
	proxy.Heal()
	took := w.sees("x=old:1", "z=z:1")
	t.Logf("the truth %v after the return of a server without its data", took)
	if took > recovery {
		t.Errorf("it took %v", took)
	}
}

// TestClientsBackoffIsCutShort: gRPC itself waits up to two minutes before it tries a
// connection again. Here it begins with that.
func TestClientsBackoffIsCutShort(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	client := dial(t, server.Addr(), with(grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 2 * time.Minute, Multiplier: 1, MaxDelay: 2 * time.Minute},
	})))
	w := watch(t, newInstancer(t, client, "/s"))
	r := register(t, newRegistrar(t, client, "/s"), old)
	w.sees("x=old:1")
	server.Kill()
	eventually(t, func() bool { return !r.State().Registered }, func() string { return "the registration knows nothing of the outage" })
	t.Logf("in the outage the registration says: %v", r.State().Err)
	server.Start()
	start := time.Now()
	eventually(t, func() bool { return r.State().Registered }, func() string { return fmt.Sprintf("%+v", r.State()) })
	if _, err := dial(t, server.Addr()).Put(t.Context(), "/s/y", "y:1"); err != nil {
		t.Fatal(err)
	}
	w.sees("x=old:1", "y=y:1")
	if took := time.Since(start); took > recovery {
		t.Errorf("registration and watch are back after %v", took)
	} else {
		t.Logf("registration and watch are back after %v", took)
	}
}

// TestWhoWaitsCutsTheBackoffShort: so does a registration whose place another has.
func TestWhoWaitsCutsTheBackoffShort(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	client := dial(t, server.Addr(), with(grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 2 * time.Minute, Multiplier: 1, MaxDelay: 2 * time.Minute},
	})))
	admin := dial(t, server.Addr())
	register(t, newRegistrar(t, client, "/s"), old)
	if _, err := admin.Put(t.Context(), "/s/x", "operator:1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		resp, err := admin.Leases(t.Context())
		return err == nil && len(resp.Leases) == 0
	}, func() string { return "the registration does not see that it was replaced" })
	server.Kill()
	eventually(t, func() bool { return client.ActiveConnection().GetState() == connectivity.TransientFailure },
		func() string { return "the client does not see the outage" })
	server.Wipe()
	server.Start()
	took := watch(t, newInstancer(t, dial(t, server.Addr()), "/s")).sees("x=old:1")
	t.Logf("registered %v after the return of etcd", took)
	if took > recovery {
		t.Errorf("it took %v", took)
	}
}

// TestLeaderKilled: an ensemble of three goes on without its leader.
func TestLeaderKilled(t *testing.T) {
	beside(t)
	ensemble := testserver.NewEtcdEnsemble(t, 3)
	client := dialAll(t, ensemble.Addrs())
	w := watch(t, newInstancer(t, client, "/s"))
	// A new leader may take seconds on a busy machine, and the lease must outlast that.
	r := register(t, newRegistrar(t, client, "/s", etcd.RegisterTTL(2*ttl)), old)
	w.sees("x=old:1")
	w.always("x")
	before, entry := r.State(), entryOf(t, client, "/s/x")
	for round := range 2 {
		leader := ensemble.Leader()
		leader.Kill()
		start := time.Now()
		in := sd.Instance{ID: fmt.Sprintf("y%d", round), Addr: "y:1"}
		second := register(t, newRegistrar(t, client, "/s"), in)
		t.Logf("registered %v after the death of the leader", time.Since(start))
		w.sees("x=old:1", in.ID+"=y:1")
		t.Logf("seen %v after it", time.Since(start))
		time.Sleep(2 * ttl)
		w.sees("x=old:1", in.ID+"=y:1")
		deregister(t, second)
		w.sees("x=old:1")
		leader.Start()
	}
	w.always("") // it leaves with the test
	// Nobody missed it for a moment, and it was written once.
	if after := r.State(); after != before {
		t.Errorf("the state was %+v and is %+v", before, after)
	}
	if after := entryOf(t, client, "/s/x"); after.CreateRevision != entry.CreateRevision || after.Version != 1 || after.Lease != entry.Lease {
		t.Errorf("the entry was %v and is %v", entry, after)
	}
	_, _, errs := w.state()
	t.Logf("errors meanwhile: %v", errs)
}

func entryOf(t *testing.T, client *clientv3.Client, key string) *mvccpb.KeyValue {
	t.Helper()
	resp, err := client.Get(t.Context(), key)
	if err != nil || len(resp.Kvs) != 1 {
		t.Fatalf("%s: %v, %v", key, resp, err)
	}
	return resp.Kvs[0]
}

// TestMinority: a member that is alone with its clients says that it has no leader,
// and what it knows stands.
func TestMinority(t *testing.T) {
	beside(t)
	ensemble := testserver.NewEtcdEnsemble(t, 3)
	client := dial(t, ensemble.Addrs()[0])
	w := watch(t, newInstancer(t, client, "/s"))
	r := register(t, newRegistrar(t, client, "/s"), old)
	w.sees("x=old:1")
	for _, node := range ensemble.Nodes[1:] {
		node.Kill()
	}
	eventually(t, func() bool { _, _, errs := w.state(); return len(errs) > 0 && !r.State().Registered },
		func() string { return fmt.Sprintf("watch and registration know nothing of it: %+v", r.State()) })
	_, _, errs := w.state()
	t.Logf("the watch says: %v", errs)
	t.Logf("the registration says: %v", r.State().Err)
	w.sees("x=old:1")
	ensemble.Start()
	start := time.Now()
	eventually(t, func() bool { return r.State().Registered }, func() string { return fmt.Sprintf("%+v", r.State()) })
	t.Logf("registered again after %v", time.Since(start))
	w.sees("x=old:1")
}

// TestLoggedIn: a server that was started again knows no tokens any more.
func TestLoggedIn(t *testing.T) {
	beside(t)
	server := newGuarded(t)
	client := dial(t, server.Addr(), as("root", "secret"))
	w := watch(t, newInstancer(t, client, "/s"))
	r := register(t, newRegistrar(t, client, "/s"), old)
	w.sees("x=old:1")
	for range 2 {
		server.Kill()
		server.Start()
		time.Sleep(ttl)
		register(t, newRegistrar(t, client, "/s"), sd.Instance{ID: "y", Addr: "y:1"})
		w.sees("x=old:1", "y=y:1")
		eventually(t, func() bool { return r.State().Registered }, func() string { return fmt.Sprintf("%+v", r.State()) })
	}
}

// TestIdleIsNotSilent: a registry in which nothing is ever written answers.
func TestIdleIsNotSilent(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	client := dial(t, server.Addr())
	in, err := etcd.NewInstancer(client, "/s", etcd.WatchSilence(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, in)
	w.sees()
	time.Sleep(7 * time.Second)
	if _, sets, errs := w.state(); sets != 1 || len(errs) > 0 {
		t.Errorf("%d sets, %v", sets, errs)
	}
	server.Pause()
	defer server.Resume()
	start := time.Now()
	eventually(t, func() bool { _, _, errs := w.state(); return len(errs) > 0 }, func() string { return "no error" })
	if _, _, errs := w.state(); !errors.Is(errs[0], etcd.ErrSilent) {
		t.Errorf("a paused server is %v", errs[0])
	}
	t.Logf("silence of 2s is reported after %v", time.Since(start))
}
