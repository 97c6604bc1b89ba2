package grpckit_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"weak"

	"google.golang.org/grpc"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// To find out why there is no connection is no call, whatever interceptors there are.
func TestInterceptorsSeeCallsOnly(t *testing.T) {
	var seen atomic.Int32
	own := grpckit.DialOptions(
		grpc.WithStreamInterceptor(func(
			ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			seen.Add(1)
			return open(ctx, desc, cc, method, opts...)
		}),
		grpc.WithUnaryInterceptor(func(
			ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
		) error {
			seen.Add(1)
			return invoke(ctx, method, req, reply, cc, opts...)
		}),
	)
	s := noServer{refusing(t), nil, "connection refused", func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }}
	in := &sd.Instance{ID: "one", Addr: s.addr}
	_, err := grpckit.Dialer(echopb.NewEchoClient, own)(within(t), in)
	s.check(t, "Dialer", err)
	s.check(t, "Probe", grpckit.Probe("", own)(within(t), in))
	conn := dial(t, s.addr, own)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := echopb.NewEchoClient(conn).Say(within(t), &echopb.Message{}); err == nil { // by when an attempt has failed
		t.Error("a call is answered")
	}
	if n := seen.Swap(0); n != 1 {
		t.Errorf("interceptors saw %d calls, want 1", n)
	}
	s.check(t, "Ready", grpckit.Ready(ctx, conn))
	if n := seen.Load(); n > 0 {
		t.Errorf("Ready made %d calls", n)
	}
}

// A connection that is closed and that nobody has any more leaves nothing behind.
func TestClosedConnectionsAreForgotten(t *testing.T) {
	addr := serve(t, grpckit.NewServer(), &echo{say: repeat})
	open := func() weak.Pointer[grpc.ClientConn] {
		conn, err := grpckit.NewClient(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := grpckit.Ready(within(t), conn); err != nil {
			t.Error(err)
		}
		if !grpckit.Kept(weak.Make(conn)) {
			t.Error("the reason of a connection is not known while it is open")
		}
		return weak.Make(conn)
	}
	conn := open()
	eventually(t, "it is forgotten", func() bool {
		runtime.GC()
		return conn.Value() == nil && !grpckit.Kept(conn)
	})
}
