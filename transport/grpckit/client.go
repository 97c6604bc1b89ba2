package grpckit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
)

// NewClient returns a connection to the server at addr, "10.0.0.1:8081". It starts to
// connect and does not wait for it; [Ready] does. A host that is a name is resolved
// whenever the connection is made. No proxy is used.
//
// Generated code takes the connection as it is. Its calls carry what travels with a
// call (see [call.Propagator.Inject]; metadata in the context stays, but for what a
// [call.Injector] writes anew, and of values of the user's own those are left out whose
// keys may not be metadata), unary ones are bounded by [ClientTimeout], and every error
// of a call or a stream, but io.EOF, is an [*endpoint.Error] marked Outgoing. It is what
// the server answered, see [Error], or
//   - DeadlineExceeded or Canceled if the context ended
//   - Unavailable if the connection failed; marked NotProcessed if it is certain that
//     no server got the call, and Local too if there is no connection
//
// All faults of addr and options are one error. Close the connection to release it.
func NewClient(addr string, opts ...ClientOption) (*grpc.ClientConn, error) {
	return newClient(sd.Instance{Addr: addr}, opts)
}

func newClient(in sd.Instance, opts []ClientOption) (*grpc.ClientConn, error) {
	instances, err := static.NewInstancer(in)
	c, faults := newClientConfig(opts)
	if err := errors.Join(err, faults); err != nil {
		return nil, fmt.Errorf("grpckit: NewClient: %w", err)
	}
	return c.connect(in.Addr, instances, lb.RoundRobin())
}

// NewBalancedClient returns a connection that has one connection to each live
// instance and picks one of them for each call and stream, by the strategy: with all
// that it knows of keys, load, latencies and faults. It watches the instances at once
// and until it is closed. A stream is load, but how long it is open is no latency: see
// [lb.Balancer.Open]. Otherwise it is like that of [NewClient].
//
// A change of the set costs no call: one that was begun stays where it is, also
// on an instance that left, for as long as it takes. An instance whose connection is
// lost is passed over until it is back: its calls go to whom the strategy picks next,
// those of one key to the same. Errors of calls name the instance.
//
// A call waits while an instance is being connected to for the first time, or again. One
// that comes before the instances are known waits for them, until its context ends, or
// the watch has failed for three seconds, or the connection is ten seconds old, see
// [lb.Balancer.PickOrWait]. From then on it fails at once until they are known, as one
// does while none of them can be reached, unless [grpc.WaitForReady] has it wait. One whose
// connections are lost as soon as they stand, one after the other, cannot be reached either,
// and is connected to ever less often: within ten seconds at the most.
//
// The name is the authority that servers see, and what a certificate is checked
// against.
func NewBalancedClient(
	name string, instances sd.Instancer, strategy lb.Strategy, opts ...ClientOption,
) (*grpc.ClientConn, error) {
	c, err := newClientConfig(opts)
	if err := errors.Join(
		unless(name != "", "the name is empty"),
		unless(instances != nil, "the instancer is nil"),
		unless(strategy != nil, "the strategy is nil"),
		err,
	); err != nil {
		return nil, fmt.Errorf("grpckit: NewBalancedClient: %w", err)
	}
	return c.connect(name, instances, strategy)
}

// core returns what the interceptors know, of which none but those of dial options come
// after it.
func (c clientConfig) core() *clientCore { return &clientCore{c, len(c.dial) == 0} }

func (c clientConfig) connect(name string, instances sd.Instancer, strategy lb.Strategy) (*grpc.ClientConn, error) {
	config, err := c.serviceConfig()
	if err != nil {
		return nil, fmt.Errorf("grpckit: ServiceConfig: %w", err)
	}
	from := &source{instances: instances, strategy: strategy, options: c.endpointer, loads: c.loads, picked: c.picked}
	core := c.core()
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(c.creds),
		grpc.WithResolvers(from),
		grpc.WithDefaultServiceConfig(config),
		grpc.WithChainUnaryInterceptor(core.unary),
		grpc.WithChainStreamInterceptor(core.stream),
		grpc.WithMaxHeaderListSize(256 << 10),
		grpc.WithContextDialer(dialTCP),
		grpc.WithKeepaliveParams(clientKeepalive),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.5, MaxDelay: 10 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		// An idle connection would forget the instances, and not find them again
		// while the registry is out.
		grpc.WithIdleTimeout(0),
	}
	if c.maxReceive != DefaultMaxMessage { // which is grpc-go's too; the option costs each call something
		options = append(options, grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(c.maxReceive)))
	}
	options = append(options, c.dial...)
	conn, err := grpc.NewClient(scheme+":///"+url.PathEscape(name), options...)
	if err != nil {
		return nil, fmt.Errorf("grpckit: %w", err)
	}
	from.keep(conn)
	conn.Connect()
	return conn, nil
}

// clientKeepalive pings less often than every five minutes, which is all that a
// server of grpc-go allows if nobody told it otherwise: it cuts off who pings more. A
// peer that is gone is noticed sooner by TCP: by [dialTCP]'s keepalive while nothing is
// sent, and by the time for acknowledgements, which grpc-go takes from Timeout.
var clientKeepalive = keepalive.ClientParameters{Time: 6 * time.Minute, Timeout: 20 * time.Second}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4,
	}}
	return d.DialContext(ctx, "tcp", addr)
}
