package grpckit

import (
	"context"
	"weak"

	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/resolver"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

var (
	LoadReport   = loadReport
	Reported     = reported
	NewClientTLS = newClientTLS
)

// Kept reports whether a source is kept for a connection.
func Kept(conn weak.Pointer[grpc.ClientConn]) bool {
	_, ok := sources.Load(conn)
	return ok
}

// Balance makes the balancer of a connection, which uses cc.
func Balance(cc balancer.ClientConn, instances sd.Instancer, strategy lb.Strategy) (balancer.Balancer, error) {
	b := balancerBuilder{}.Build(cc, balancer.BuildOptions{})
	from := attributes.New(sourceKey{}, &source{instances: instances, strategy: strategy})
	return b, b.UpdateClientConnState(balancer.ClientConnState{ResolverState: resolver.State{Attributes: from}})
}

// Begun returns the context of a call of a client with the options, as its picker gets it.
func Begun(ctx context.Context, opts ...ClientOption) (context.Context, error) {
	_, out, err := mustClientConfig("Begun", opts).core().begin(ctx)
	return out, err
}
