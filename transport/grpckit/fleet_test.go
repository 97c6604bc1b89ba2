package grpckit_test

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// fleet is the servers of a service, which answer with their address, and a registry.
type fleet struct {
	t        testing.TB
	registry *memory.Registry
	members  []*member
}

// member is one server of a fleet. It counts what it is asked.
type member struct {
	*grpckit.Server
	sd.Instance
	calls    atomic.Int64
	accepted atomic.Int64
	fail     atomic.Pointer[error]
	delay    atomic.Int64 // of an answer, in nanoseconds
}

func newFleet(t testing.TB, n int, opts ...grpckit.ServerOption) *fleet {
	f := &fleet{t: t, registry: memory.NewRegistry()}
	for range n {
		f.join(opts...)
	}
	return f
}

// join starts one more server and registers it. It has an address of its own: the
// system gives the port of a member that was killed to another one.
func (f *fleet) join(opts ...grpckit.ServerOption) *member {
	f.t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.t.Fatal(err)
		}
		addr := l.Addr().String()
		if !slices.ContainsFunc(f.members, func(m *member) bool { return m.Addr == addr }) {
			return f.start(l, addr, opts...)
		}
		defer l.Close() // and not at once, or it comes again
	}
}

// start starts a server at a listener and registers it at an address.
func (f *fleet) start(l net.Listener, addr string, opts ...grpckit.ServerOption) *member {
	m := &member{Server: grpckit.NewServer(opts...), Instance: sd.Instance{ID: addr, Addr: addr}}
	echopb.RegisterEchoServer(m, &echo{say: m.say, list: m.list, gather: m.gather, chat: repeatAll})
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Serve(&counted{l, &m.accepted}) }()
	f.t.Cleanup(func() { _ = m.Close(); <-done })
	f.members = append(f.members, m)
	f.publish(f.members...)
	return m
}

func (f *fleet) publish(members ...*member) {
	f.t.Helper()
	var all []sd.Instance
	for _, m := range members {
		all = append(all, m.Instance)
	}
	if err := f.registry.Set("echo", all...); err != nil {
		f.t.Fatal(err)
	}
}

func (m *member) say(_ context.Context, r *echopb.Message) (*echopb.Message, error) {
	m.calls.Add(1)
	if d := m.delay.Load(); d > 0 {
		time.Sleep(time.Duration(d)) // in a bubble
	}
	if err := m.fail.Load(); err != nil {
		return nil, *err
	}
	return &echopb.Message{Text: m.Addr, N: r.GetN() + 1}, nil
}

// gather waits for the end of what it is sent. Its header can be had before.
func (m *member) gather(s grpc.ClientStreamingServer[echopb.Message, echopb.Message]) error {
	if err := m.fail.Load(); err != nil {
		return *err
	}
	if len(metadata.ValueFromIncomingContext(s.Context(), "header")) > 0 {
		_ = s.SendHeader(nil)
	}
	for range grpckit.Messages(s) {
	}
	return s.SendAndClose(&echopb.Message{})
}

func (m *member) list(r *echopb.Message, s grpc.ServerStreamingServer[echopb.Message]) error {
	if err := m.fail.Load(); err != nil {
		return *err
	}
	for i := range r.GetN() {
		if err := s.Send(&echopb.Message{Text: m.Addr, N: i}); err != nil {
			return err
		}
	}
	return nil
}

// client returns a balanced connection, closed with the test, once it is ready.
func (f *fleet) client(strategy lb.Strategy, opts ...grpckit.ClientOption) *grpc.ClientConn {
	f.t.Helper()
	conn, err := grpckit.NewBalancedClient("echo", f.registry.Instancer("echo"), strategy, opts...)
	opened(f.t, conn, err)
	if err := grpckit.Ready(within(f.t), conn); err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// answers makes calls until each of the members, and nobody else for as many calls in a
// row, has answered.
func (f *fleet) answers(conn *grpc.ClientConn, members ...*member) {
	f.t.Helper()
	ctx := within(f.t)
	client := echopb.NewEchoClient(conn)
	want := make(map[string]bool)
	for _, m := range members {
		want[m.Addr] = true
	}
	for got, row := make(map[string]bool), 0; len(got) < len(want) || row < 4*len(want); row++ {
		m, err := client.Say(ctx, &echopb.Message{}, grpc.WaitForReady(true))
		if err != nil {
			f.t.Fatalf("after answers of %v: %v", got, err)
		}
		if !want[m.GetText()] {
			clear(got)
			row = 0
			continue
		}
		got[m.GetText()] = true
	}
}

// counted is a listener that counts.
type counted struct {
	net.Listener
	accepted *atomic.Int64
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.accepted.Add(1)
	}
	return conn, err
}

// eventually polls until it is true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not true that %s", patience, what)
		}
	}
}
