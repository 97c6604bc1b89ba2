package registry

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	kitetcd "github.com/go-kit/kit/sd/etcdv3"
	kitlog "github.com/go-kit/log"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd/etcd"
)

// Etcd is a [Registry].
type Etcd struct {
	*testserver.Server
	client *clientv3.Client // not counted
	sent   messages
}

// NewEtcd starts a server that ends with the test.
func NewEtcd(t testing.TB) *Etcd {
	t.Helper()
	r := &Etcd{Server: testserver.NewEtcd(t)}
	r.client = dialEtcd(t, r.Addr())
	return r
}

func dialEtcd(t testing.TB, addr string, opts ...grpc.DialOption) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{addr}, DialTimeout: 30 * time.Second, DialOptions: opts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func etcdKey(service string, number int) string { return "/" + service + "/" + key(number) }

// Fill does what Registry says.
func (r *Etcd) Fill(t testing.TB, service string, n int) {
	t.Helper()
	const most = 128 // operations in a transaction, by default
	var ops []clientv3.Op
	for i := range n {
		ops = append(ops, clientv3.OpPut(etcdKey(service, i), address(i)))
		if len(ops) == most || i == n-1 {
			if _, err := r.client.Txn(t.Context()).Then(ops...).Commit(); err != nil {
				t.Fatal(err)
			}
			ops = ops[:0]
		}
	}
}

// Set does what Registry says.
func (r *Etcd) Set(t testing.TB, service string, number int, addr string) {
	t.Helper()
	if _, err := r.client.Put(t.Context(), etcdKey(service, number), addr); err != nil {
		t.Fatal(err)
	}
}

// Remove does what Registry says.
func (r *Etcd) Remove(t testing.TB, service string, number int) {
	t.Helper()
	if _, err := r.client.Delete(t.Context(), etcdKey(service, number)); err != nil {
		t.Fatal(err)
	}
}

// Requests returns the messages that the watchers have sent, those of streams too.
func (r *Etcd) Requests(testing.TB) int64 { return r.sent.count.Load() }

// Dowel is a [Watcher].
func (r *Etcd) Dowel(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	instancer, err := etcd.NewInstancer(dialEtcd(t, addr, grpc.WithStatsHandler(&r.sent)), "/"+service+"/")
	if err != nil {
		t.Fatal(err)
	}
	return watchDowel(t, instancer)
}

// Kit is a [Watcher].
func (r *Etcd) Kit(t testing.TB, addr, service string) <-chan []string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	client, err := kitetcd.NewClient(ctx, []string{addr}, kitetcd.ClientOptions{
		DialOptions: []grpc.DialOption{grpc.WithStatsHandler(&r.sent)},
	})
	if err != nil {
		t.Fatal(err)
	}
	instancer, err := kitetcd.NewInstancer(client, "/"+service+"/", kitlog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return watchKit(t, instancer)
}

// messages counts what clients send.
type messages struct{ count atomic.Int64 }

func (*messages) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*messages) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*messages) HandleConn(context.Context, stats.ConnStats)                       {}
func (m *messages) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutPayload); ok {
		m.count.Add(1)
	}
}
