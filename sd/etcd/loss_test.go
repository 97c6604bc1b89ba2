package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/etcd"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestCompacted: the revision from which the watch is to go on is compacted before
// the server hears of the watch.
func TestCompacted(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	put := func(key, addr string) int64 {
		t.Helper()
		resp, err := admin.Put(context.Background(), key, addr)
		if err != nil {
			t.Error(err)
			return 0
		}
		return resp.Header.Revision
	}
	put("/s/x", "old:1")
	var once sync.Once
	compact := func(m any) {
		req, ok := m.(*etcdserverpb.WatchRequest)
		if !ok || len(req.GetCreateRequest().GetRangeEnd()) == 0 {
			return
		}
		once.Do(func() {
			put("/s/y", "y:1")
			put("/s/x", "x:2")
			if _, err := admin.Compact(context.Background(), put("/s/z", "z:1")); err != nil {
				t.Error(err)
			}
		})
	}
	w := watch(t, newInstancer(t, dial(t, server.Addr(), beforeSend(compact)), "/s"))
	t.Logf("healed after %v", w.sees("x=x:2", "y=y:1", "z=z:1"))
	if _, _, errs := w.state(); len(errs) != 1 || !errors.Is(errs[0], rpctypes.ErrCompacted) {
		t.Errorf("the watch says %v; want ErrCompacted", errs)
	}
	put("/s/y", "y:2")
	w.sees("x=x:2", "y=y:2", "z=z:1")
}

// beforeSend calls f with each message before it is sent over a stream.
func beforeSend(f func(m any)) opts {
	return with(grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := next(ctx, desc, cc, method, opts...)
		return &tappedStream{stream, f}, err
	}))
}

type tappedStream struct {
	grpc.ClientStream
	f func(m any)
}

func (s *tappedStream) SendMsg(m any) error {
	s.f(m)
	return s.ClientStream.SendMsg(m)
}

// TestLostAnswers: etcd does what it was asked for, and the answer is lost.
func TestLostAnswers(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	var mu sync.Mutex
	calls := make(map[string]int)
	lose := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := next(ctx, method, req, reply, cc, opts...)
		mu.Lock()
		defer mu.Unlock()
		if calls[method]++; calls[method]%2 == 1 {
			return status.Error(codes.Unavailable, "the answer is lost")
		}
		return err
	}
	client := dial(t, server.Addr(), with(grpc.WithChainUnaryInterceptor(lose)))
	admin := dial(t, server.Addr())
	impatient, err := etcd.NewRegistrar(client, "/s", etcd.RegisterTTL(ttl),
		etcd.RegisterKeep(sd.KeepBackoff(sd.Backoff{Base: time.Millisecond, Cap: time.Millisecond})))
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, newInstancer(t, admin, "/s"))
	for round := range 3 {
		r := register(t, impatient, old)
		w.sees("x=old:1")
		if leases, err := admin.Leases(t.Context()); err != nil || len(leases.Leases) != 1 {
			t.Errorf("round %d: one registration has the leases %v, %v", round, leases, err)
		}
		eventually(t, func() bool { return r.Deregister(t.Context()) == nil }, func() string { return "it cannot be deregistered" })
		w.sees()
		if leases, err := admin.Leases(t.Context()); err != nil || len(leases.Leases) != 0 {
			t.Errorf("round %d: leases are left: %v, %v", round, leases, err)
		}
	}
}

// TestManyMalformed: an error does not grow with what is wrong.
func TestManyMalformed(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	for i := range 100 {
		if _, err := admin.Put(t.Context(), fmt.Sprintf("/s/%d", i), "no address at all "+string(make([]byte, 1000))); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"/s/", "/s/100%", "/s/a b"} {
		if _, err := admin.Put(t.Context(), key, "h:1"); err != nil {
			t.Fatal(err)
		}
	}
	// These are nobody's business here.
	for _, key := range []string{"/s", "/s/deeper/x", "/sx/x", "/r/x"} {
		if _, err := admin.Put(t.Context(), key, "h:1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := admin.Put(t.Context(), "/s/x", "old:1"); err != nil {
		t.Fatal(err)
	}
	w := watch(t, newInstancer(t, admin, "/s"))
	w.sees("x=old:1")
	_, _, errs := w.state()
	if len(errs) != 1 || len(errs[0].Error()) > 5000 {
		t.Fatalf("the watch says %v", errs)
	}
	t.Log(errs[0])
	if _, err := admin.Put(t.Context(), "/s/5", "h:5"); err != nil {
		t.Fatal(err)
	}
	w.sees("5=h:5", "x=old:1")
	if _, _, errs := w.state(); len(errs) != 1 {
		t.Errorf("it is reported again: %v", errs[1:])
	}
}

// TestMalformedIsReportedOnce: not again when the watch is set up again.
func TestMalformedIsReportedOnce(t *testing.T) {
	beside(t)
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	proxy := testserver.NewProxy(t, server.Addr())
	put := func(key, text string) {
		t.Helper()
		if _, err := admin.Put(t.Context(), key, text); err != nil {
			t.Fatal(err)
		}
	}
	put("/s/x", "old:1")
	put("/s/y", "no address")
	w := watch(t, newInstancer(t, dial(t, proxy.Addr()), "/s"))
	w.sees("x=old:1")
	reports := func() (n int) {
		_, _, errs := w.state()
		for _, err := range errs {
			if strings.Contains(err.Error(), "malformed") {
				n++
			}
		}
		return n
	}
	for round := range 2 {
		_, before, _ := w.state()
		proxy.Reset()
		eventually(t, func() bool { _, sets, _ := w.state(); return sets > before }, func() string { return "no set after a break" })
		if n := reports(); n != 1 {
			t.Errorf("after %d breaks it was reported %d times", round+1, n)
		}
	}
	put("/s/y", "no address still")
	eventually(t, func() bool { return reports() == 2 }, func() string { return "what was changed is not reported" })
}
