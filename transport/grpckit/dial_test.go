package grpckit_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/grpckit"
	"github.com/dowelkit/dowel/transport/grpckit/internal/echopb"
)

// refusing returns an address at which nobody listens, and nobody will: the socket
// keeps the port.
func refusing(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := name.(*syscall.SockaddrInet4)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port))
}

// silent returns the address of a listener that accepts and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// unreachable is servers to which there is no connection, and what everybody is told.
func unreachable(t *testing.T) map[string]noServer {
	ca, other := newAuthority(t), newAuthority(t)
	addr := serve(t, grpckit.NewServer(grpckit.TLS(&tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, "echo")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	})), &echo{say: repeat})
	mine, theirs := []tls.Certificate{ca.issue(t, "me")}, []tls.Certificate{other.issue(t, "me")}
	secure := func(c *tls.Config) []grpckit.ClientOption { return []grpckit.ClientOption{grpckit.ClientTLS(c)} }
	return map[string]noServer{
		"a refused port": {refusing(t), nil, "connection refused", func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		"a server of an unknown authority": {
			addr, secure(&tls.Config{RootCAs: other.pool(), Certificates: mine}), "certificate signed by unknown authority",
			func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok },
		},
		"a server of another name": {
			addr, secure(&tls.Config{RootCAs: ca.pool(), Certificates: mine, ServerName: "another"}), "valid for echo, not another",
			func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
		},
		"a certificate that the server does not know": {
			addr, secure(&tls.Config{RootCAs: ca.pool(), Certificates: theirs}), "remote error: tls: unknown certificate authority", nil,
		},
		"no certificate": {addr, secure(&tls.Config{RootCAs: ca.pool()}), "remote error: tls: certificate required", nil},
		"plain text":     {addr, nil, "server preface", nil},
	}
}

type noServer struct {
	addr string
	opts []grpckit.ClientOption
	text string
	is   func(error) bool // nil if the text is all there is
}

// check looks whether an error says why there is no connection.
func (s noServer) check(t *testing.T, what string, err error) {
	t.Helper()
	if endpoint.CodeOf(err) != endpoint.Unavailable || !endpoint.IsNotProcessed(err) || !strings.Contains(err.Error(), s.text) {
		t.Errorf("%s: the error is %v", what, err)
	}
	if s.is != nil && !s.is(err) {
		t.Errorf("%s: the cause is not found in %v", what, err)
	}
}

// A dial fails when the first attempt does, and not with its context.
func TestADialFailsAtOnceAndSaysWhy(t *testing.T) {
	for name, s := range unreachable(t) {
		t.Run(name, func(t *testing.T) {
			ctx, in := within(t), &sd.Instance{ID: "one", Addr: s.addr}
			c, err := grpckit.Dialer(echopb.NewEchoClient, s.opts...)(ctx, in)
			if c != nil {
				t.Error("there is a client")
			}
			s.check(t, "Dialer", err)
			s.check(t, "Probe", grpckit.Probe("", s.opts...)(ctx, in))
			if ctx.Err() != nil {
				t.Error("it took until the context ended")
			}
		})
	}
	if _, err := grpckit.Dialer(echopb.NewEchoClient)(t.Context(), &sd.Instance{Addr: "no port"}); err == nil {
		t.Error("an address without a port is dialed")
	}
}

// Ready is patient, and calls fail at once. Both say why.
func TestReadyAndCallsSayWhy(t *testing.T) {
	for name, s := range unreachable(t) {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, s.addr, s.opts...)
			_, err := echopb.NewEchoClient(conn).Say(within(t), &echopb.Message{})
			s.check(t, "Say", err)
			_, err = echopb.NewEchoClient(conn).Chat(within(t))
			s.check(t, "Chat", err)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err = grpckit.Ready(ctx, conn)
			s.check(t, "Ready", err)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Ready does not say that it is over: %v", err)
			}
			if _, err = echopb.NewEchoClient(conn).Say(ctx, &echopb.Message{}, grpc.WaitForReady(true)); err == nil {
				t.Error("a call is answered")
			}
		})
	}
}

// While an attempt lasts nothing is known but that the time is over.
func TestADialThatHangs(t *testing.T) {
	addr := silent(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, dialing := grpckit.Dialer(echopb.NewEchoClient)(ctx, &sd.Instance{Addr: addr})
	for _, err := range []error{dialing, grpckit.Ready(ctx, dial(t, addr))} {
		if endpoint.CodeOf(err) != endpoint.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), addr+" is not ready but CONNECTING") {
			t.Errorf("the error is %v", err)
		}
	}
	// An attempt does not last for ever.
	ctx = within(t)
	soon := grpckit.DialOptions(grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.DefaultConfig, MinConnectTimeout: 10 * time.Millisecond, // which is 5 s
	}))
	_, err := grpckit.Dialer(echopb.NewEchoClient, soon)(ctx, &sd.Instance{Addr: addr})
	if endpoint.CodeOf(err) != endpoint.Unavailable || !strings.Contains(err.Error(), "server preface") || ctx.Err() != nil {
		t.Errorf("the error is %v", err)
	}
}

func TestReadyOfAConnectionThatIsClosedOrPlain(t *testing.T) {
	conn := dial(t, refusing(t))
	_ = conn.Close()
	if err := grpckit.Ready(within(t), conn); endpoint.CodeOf(err) != endpoint.Canceled {
		t.Errorf("after Close: %v", err)
	}
	var calls int
	plain := dialPlain(t, refusing(t), grpc.WithStreamInterceptor(func(
		ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		calls++
		return open(ctx, desc, cc, method, opts...)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := grpckit.Ready(ctx, plain); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of a plain connection: %v", err)
	}
	if calls > 0 {
		t.Errorf("Ready made %d calls", calls)
	}
}
