package grpckit_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// A caller has one address whatever the listener, and that which it has over HTTP: it is
// a key of limiters and in logs.
func TestPeerReadsAsItsAddressDoes(t *testing.T) {
	serve := grpckit.UnaryServerInterceptor()
	for _, addr := range []net.Addr{
		&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To4(), Port: 80},
		&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To16(), Port: 80}, // of a listener at ":80"
		&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 80},
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 80},
		&net.UnixAddr{Name: "/run/x", Net: "unix"},
	} {
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: addr})
		got, _ := serve(ctx, nil, &grpc.UnaryServerInfo{}, func(ctx context.Context, _ any) (any, error) {
			return call.From(ctx).Peer(), nil
		})
		if got != addr.String() {
			t.Errorf("%v is %q", addr, got)
		}
	}
}
