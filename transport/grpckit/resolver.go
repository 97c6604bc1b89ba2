package grpckit

import (
	"sync/atomic"

	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/resolver"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

const (
	scheme       = "dowel"
	balancerName = "dowel"
)

// grpc-go knows balancers by their name in the service config and nowhere else. Which
// instances and which strategy comes with each connection, by its resolver.
func init() { balancer.Register(balancerBuilder{}) }

// source is the instances of one connection and how to choose among them. It is the
// builder of the connection's resolver.
type source struct {
	instances sd.Instancer
	strategy  lb.Strategy
	options   []sd.EndpointerOption
	loads     *lb.Loads              // nil if nobody wants to know
	picked    bool                   // its instance is picked by a balancer round it, which notes it
	roster    atomic.Pointer[roster] // once the balancer has begun
}

// reason returns why there is no connection, as far as is known.
func (s *source) reason() error {
	if r := s.roster.Load(); r != nil {
		return r.reason()
	}
	return nil
}

type sourceKey struct{}

// Scheme is for grpc-go; see [resolver.Builder].
func (s *source) Scheme() string { return scheme }

// Build hands the source over to the balancer, which watches it: a watch tells more
// than addresses, and the connections are to outlive its changes.
func (s *source) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	return resolved{}, cc.UpdateState(resolver.State{Attributes: attributes.New(sourceKey{}, s)})
}

// resolved has nothing more to tell.
type resolved struct{}

func (resolved) ResolveNow(resolver.ResolveNowOptions) {}
func (resolved) Close()                                {}
