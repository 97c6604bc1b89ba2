package etcd_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// meter counts what clients send and get: messages of calls and of streams.
type meter struct{ calls, out, in, bytesOut, bytesIn atomic.Int64 }

func (m *meter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (m *meter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}
func (m *meter) HandleConn(context.Context, stats.ConnStats) {}

func (m *meter) HandleRPC(_ context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.Begin:
		m.calls.Add(1)
	case *stats.OutPayload:
		m.out.Add(1)
		m.bytesOut.Add(int64(s.WireLength))
	case *stats.InPayload:
		m.in.Add(1)
		m.bytesIn.Add(int64(s.WireLength))
	}
}

// reading is what a meter showed.
type reading struct{ calls, out, in, bytesOut, bytesIn int64 }

func (m *meter) read() reading {
	return reading{m.calls.Load(), m.out.Load(), m.in.Load(), m.bytesOut.Load(), m.bytesIn.Load()}
}

func (r reading) since(before reading) reading {
	return reading{r.calls - before.calls, r.out - before.out, r.in - before.in,
		r.bytesOut - before.bytesOut, r.bytesIn - before.bytesIn}
}

// per shows it for each of n.
func (r reading) per(n int, seconds float64) string {
	d := float64(n) * seconds
	return fmt.Sprintf("%.2f calls and streams, %.2f messages out (%.0f bytes), %.2f in (%.0f bytes)",
		float64(r.calls)/d, float64(r.out)/d, float64(r.bytesOut)/d, float64(r.in)/d, float64(r.bytesIn)/d)
}

// crowd is that many clients of one kind, with a meter for all.
func crowd(t *testing.T, addr string, n int, join func(*clientv3.Client, int)) *meter {
	m := &meter{}
	for i := range n {
		join(dial(t, addr, with(grpc.WithStatsHandler(m))), i)
	}
	return m
}

// TestCost measures what many clients cost etcd, with the defaults.
func TestCost(t *testing.T) {
	t.Parallel() // it takes no turn, for it waits and is long
	const n, steady = 25, 20 * time.Second
	server := testserver.NewEtcd(t)
	watches := make([]*watcher, n)
	registrations := make([]*sd.Registration, n)
	ids := make([]string, n)
	watching := crowd(t, server.Addr(), n, func(client *clientv3.Client, i int) {
		instancer, err := etcd.NewInstancer(client, "/s")
		if err != nil {
			t.Fatal(err)
		}
		watches[i] = watch(t, instancer)
	})
	registering := crowd(t, server.Addr(), n, func(client *clientv3.Client, i int) {
		registrar, err := etcd.NewRegistrar(client, "/s")
		if err != nil {
			t.Fatal(err)
		}
		in := sd.Instance{ID: fmt.Sprintf("i-%02d", i), Addr: "h:1"}
		ids[i] = in.ID + "=" + in.Addr
		registrations[i] = register(t, registrar, in)
	})
	all := func() {
		t.Helper()
		for _, w := range watches {
			w.sees(ids...)
		}
	}
	all()

	w, r := watching.read(), registering.read()
	time.Sleep(steady)
	w, r = watching.read().since(w), registering.read().since(r)
	t.Logf("steady, each second, a watch: %s", w.per(n, steady.Seconds()))
	t.Logf("steady, each second, a registration: %s", r.per(n, steady.Seconds()))
	for what, of := range map[string]struct{ sent, documented float64 }{
		"a watch": {float64(w.out), 0.8}, "a registration": {float64(r.out), 0.48},
	} {
		// A busy server answers late, and so is asked less often.
		if rate := of.sent / n / steady.Seconds(); rate < 0.5*of.documented || rate > 1.3*of.documented {
			t.Errorf("%s sends %.2f messages/s; the documentation says %.2f", what, rate, of.documented)
		}
	}

	w, r = watching.read(), registering.read()
	deregister(t, registrations[n-1])
	for _, w := range watches {
		w.sees(ids[:n-1]...)
	}
	in := registrations[n-1].Instance()
	registrar, err := etcd.NewRegistrar(dial(t, server.Addr(), with(grpc.WithStatsHandler(registering))), "/s")
	if err != nil {
		t.Fatal(err)
	}
	register(t, registrar, in)
	all()
	t.Logf("a flap, each watch: %s", watching.read().since(w).per(n, 1))
	t.Logf("a flap, its registrant: %s", registering.read().since(r).per(1, 1))

	w, r = watching.read(), registering.read()
	before := make([]int, n)
	for i, w := range watches {
		_, before[i], _ = w.state()
	}
	server.Kill()
	for _, w := range watches {
		eventually(t, func() bool { _, _, errs := w.state(); return len(errs) > 0 }, func() string { return "no error" })
	}
	server.Start()
	start := time.Now()
	for i, w := range watches { // after an error the same set comes again
		eventually(t, func() bool { _, sets, _ := w.state(); return sets > before[i] }, func() string { return "no set" })
	}
	all()
	t.Logf("after an outage all watches are back within %v", time.Since(start))
	time.Sleep(time.Second)
	t.Logf("an outage, each watch: %s", watching.read().since(w).per(n, 1))
	t.Logf("an outage, each registration: %s", registering.read().since(r).per(n, 1))
}

// TestThousands: what the first set and one change cost with so many instances.
func TestThousands(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	perChange := make(map[int]int64)
	for _, size := range []int{50, 5000} {
		perChange[size] = changeOf(t, server, size)
	}
	if perChange[5000] > perChange[50]+64 {
		t.Errorf("a change costs %d bytes among 50 and %d among 5,000", perChange[50], perChange[5000])
	}
}

// changeOf returns how many bytes a watch reads for a change among so many.
func changeOf(t *testing.T, server *testserver.Server, size int) int64 {
	t.Helper()
	admin := dial(t, server.Addr())
	prefix := fmt.Sprintf("/size-%d", size)
	registrar, err := etcd.NewRegistrar(admin, prefix, etcd.RegisterTTL(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	ids, registrations := make([]string, size), make([]*sd.Registration, min(size, 1000))
	start := time.Now()
	concurrently(32, size, func(i int) {
		in := sd.Instance{ID: fmt.Sprintf("i-%05d", i), Addr: "10.0.0.1:8080", Zone: "a", Meta: map[string]string{"version": "1"}}
		ids[i] = in.ID + "=" + in.Addr
		if i >= len(registrations) {
			return
		}
		var err error
		if registrations[i], err = registrar.Register(context.Background(), in); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d: all registered after %v", len(registrations), time.Since(start))
	multiply(t, admin, prefix, len(registrations), size)

	var m meter
	w := watch(t, newInstancer(t, dial(t, server.Addr(), with(grpc.WithStatsHandler(&m))), prefix))
	took := w.sees(ids...)
	first := m.read()
	t.Logf("%d: first set after %v: %s", size, took, first.per(1, 1))
	const changes = 20
	start = time.Now()
	i := len(registrations) / 2
	for n := range changes {
		in := registrations[i].Instance()
		in.Weight = 10 + n
		if err := registrations[i].Update(context.Background(), in); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { set, _, _ := w.state(); return set[i].Weight == in.Weight }, func() string { return "the change is not seen" })
	}
	took = time.Since(start) / changes
	all := m.read().since(first)
	t.Logf("%d: a change, seen after %v with its writing: %s", size, took, all.per(changes, 1))
	if _, _, errs := w.state(); len(errs) > 0 {
		t.Error(errs)
	}
	concurrently(32, len(registrations), func(i int) { deregister(t, registrations[i]) })
	if _, err := admin.Delete(context.Background(), prefix+"/", clientv3.WithPrefix()); err != nil {
		t.Error(err)
	}
	t.Logf("%d: empty %v after the last left", size, w.sees())
	return all.bytesIn / changes
}

// multiply writes what the first registration wrote to as many more keys as it takes.
// That many registrations would keep the processors from what runs beside.
func multiply(t *testing.T, admin *clientv3.Client, prefix string, from, to int) {
	t.Helper()
	first, err := admin.Get(context.Background(), prefix+"/i-00000")
	if err != nil || len(first.Kvs) != 1 {
		t.Fatal(first, err)
	}
	for from < to {
		var puts []clientv3.Op
		for range min(100, to-from) {
			puts = append(puts, clientv3.OpPut(fmt.Sprintf("%s/i-%05d", prefix, from), string(first.Kvs[0].Value)))
			from++
		}
		if _, err := admin.Txn(context.Background()).Then(puts...).Commit(); err != nil {
			t.Fatal(err)
		}
	}
}
