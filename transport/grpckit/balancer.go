package grpckit

import (
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/resolver"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

type balancerBuilder struct{}

func (balancerBuilder) Name() string { return balancerName }

func (balancerBuilder) Build(cc balancer.ClientConn, _ balancer.BuildOptions) balancer.Balancer {
	return &connBalancer{cc: cc}
}

// connBalancer is what grpc-go asks for connections. An [sd.Endpointer] keeps a
// connection for each instance and an [lb.Balancer] picks one, as they do for any
// other client. What is left to do here is to tell grpc-go when to ask again.
type connBalancer struct {
	cc         balancer.ClientConn
	roster     *roster
	loads      *lb.Loads
	picked     bool // see source
	endpointer *sd.Endpointer[*link]
	balancer   *lb.Balancer[*link]
	end        context.CancelFunc
	waiting    chan struct{} // holds a token while a call waits for the first connection
	running    sync.WaitGroup
	updating   sync.Mutex
}

var errNoSource = errors.New("grpckit: the balancer needs a connection of NewClient or NewBalancedClient")

// UpdateClientConnState gets the source once in the life of a connection.
func (b *connBalancer) UpdateClientConnState(s balancer.ClientConnState) error {
	source, ok := s.ResolverState.Attributes.Value(sourceKey{}).(*source)
	if !ok {
		return errNoSource
	}
	if b.endpointer == nil {
		b.start(source)
	}
	return nil
}

func (b *connBalancer) start(s *source) {
	b.updating.Lock() // the Endpointer begins at once, and calls are to find all of this
	defer b.update()
	defer b.updating.Unlock()
	b.roster, b.loads, b.picked = newRoster(), s.loads, s.picked
	s.roster.Store(b.roster)
	b.waiting = make(chan struct{}, 1)
	options := append(slices.Clip(s.options), sd.DrainTimeout(0))
	b.endpointer = sd.NewEndpointer(b.roster.watch(s.instances, b.update), b.dial, options...)
	b.balancer = lb.New(b.endpointer, &connected{s.strategy, b.roster})
	var ctx context.Context
	ctx, b.end = context.WithCancel(context.Background())
	b.running.Go(func() { b.await(ctx) })
	b.running.Go(func() { b.awaitSet(ctx) })
}

// await tells waiting calls when a connection is published. Those that find none leave
// a token, before they begin to wait.
func (b *connBalancer) await(ctx context.Context) {
	for {
		select {
		case <-b.waiting:
			if b.endpointer.Ready(ctx) == nil {
				b.update()
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *connBalancer) wait() {
	select {
	case b.waiting <- struct{}{}:
	default:
	}
}

// update makes grpc-go ask again for every call that waits.
func (b *connBalancer) update() {
	b.updating.Lock()
	defer b.updating.Unlock()
	b.cc.UpdateState(balancer.State{ConnectivityState: b.roster.state(), Picker: (*picker)(b)})
}

// dial connects to an instance. It returns once the connection stands.
func (b *connBalancer) dial(ctx context.Context, in *sd.Instance) (*link, error) {
	l := &link{balancer: b, key: keyOf(in), first: make(chan error, 1)}
	if b.loads != nil {
		l.load = b.loads.Of(in.ID)
	}
	//lint:ignore SA1019 what is deprecated is more than one address
	conn, err := b.cc.NewSubConn([]resolver.Address{{Addr: in.Addr}}, balancer.NewSubConnOptions{
		HealthCheckEnabled: true, // if the service config asks for it
		StateListener:      l.listen,
	})
	if err != nil {
		return nil, err
	}
	l.conn = conn
	b.roster.dials(l)
	conn.Connect()
	select {
	case err = <-l.first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		conn.Shutdown()
	}
	b.roster.dialed(l, err)
	b.update()
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ResolverError, UpdateSubConnState and ExitIdle have nothing to do: the resolver has
// no errors, links listen, and connect by themselves.
func (b *connBalancer) ResolverError(error)                                        {}
func (b *connBalancer) UpdateSubConnState(balancer.SubConn, balancer.SubConnState) {}
func (b *connBalancer) ExitIdle()                                                  {}

// Close ends the watch and every connection. Calls in flight end as grpc-go has it.
func (b *connBalancer) Close() {
	if b.endpointer == nil {
		return
	}
	b.end()
	_ = b.endpointer.Close() // a link's Close returns no error
	b.running.Wait()
}
