package etcd_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/internal/testserver"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// dial returns a client of a server, or of a proxy in front of it, that ends with the
// test.
func dial(t testing.TB, addr string, options ...opts) *clientv3.Client {
	t.Helper()
	return dialAll(t, []string{addr}, options...)
}

func dialAll(t testing.TB, addrs []string, options ...opts) *clientv3.Client {
	t.Helper()
	config := clientv3.Config{Endpoints: addrs, Logger: zap.NewNop()}
	for _, opt := range options {
		opt(&config)
	}
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return client
}

type opts = func(*clientv3.Config)

// with adds gRPC's own options to a client.
func with(dial ...grpc.DialOption) opts {
	return func(c *clientv3.Config) { c.DialOptions = append(c.DialOptions, dial...) }
}

// as logs the client in.
func as(user, password string) opts {
	return func(c *clientv3.Config) { c.Username, c.Password = user, password }
}

// newGuarded starts a server with users: root, and one without any permission.
func newGuarded(t testing.TB) *testserver.Server {
	t.Helper()
	server := testserver.NewEtcd(t)
	admin := dial(t, server.Addr())
	for _, err := range []error{
		second(admin.UserAdd(t.Context(), "root", "secret")),
		second(admin.UserGrantRole(t.Context(), "root", "root")),
		second(admin.UserAdd(t.Context(), "nobody", "secret")),
		second(admin.AuthEnable(t.Context())),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return server
}

func second[T any](_ T, err error) error { return err }

// grave silences some registrants of a client, as if their process had died: their
// heartbeats do not leave it, and no request that concerns their keys.
type grave struct {
	mu     sync.Mutex
	leases []int64
	keys   []string
}

func (g *grave) bury(key string, lease int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys, g.leases = append(g.keys, key), append(g.leases, lease)
}

func (g *grave) raise() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys, g.leases = nil, nil
}

func (g *grave) holds(req any) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch r := req.(type) {
	case *etcdserverpb.LeaseKeepAliveRequest:
		return slices.Contains(g.leases, r.ID)
	case *etcdserverpb.RangeRequest:
		return slices.Contains(g.keys, string(r.Key))
	case *etcdserverpb.TxnRequest:
		return slices.Contains(g.keys, string(r.Compare[0].Key))
	}
	return false
}

func (g *grave) options() opts {
	return with(
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if g.holds(req) {
				return status.Error(codes.Unavailable, "dead")
			}
			return next(ctx, method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			stream, err := next(ctx, desc, cc, method, opts...)
			return &deafStream{stream, g}, err
		}),
	)
}

type deafStream struct {
	grpc.ClientStream
	grave *grave
}

func (s *deafStream) SendMsg(m any) error {
	if s.grave.holds(m) {
		return nil
	}
	return s.ClientStream.SendMsg(m)
}
