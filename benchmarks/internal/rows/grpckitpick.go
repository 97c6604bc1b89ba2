package rows

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/leastrequest"
	"google.golang.org/grpc/balancer/roundrobin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/benchmarks/internal/rows/greetpb"
	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// PicksOfGRPCKit compares what grpc-go asks of grpckit for each call with what it asks
// of its own balancers.
func PicksOfGRPCKit() []measure.Group {
	return []measure.Group{grpckitGroup(false), grpckitGroup(true)}
}

func grpckitGroup(shared bool) measure.Group {
	g := pickGroup("Pick of grpckit beside grpc-go", "Pick and its Done as grpc-go calls them, of 100 that are ready. "+
		"Those of grpckit hold the pick of lb and its release, look whether the connection stands, look for the call in the "+
		"context as grpc-go makes it, and tell the strategy what became of it. Of grpc-go's only least request counts what is in "+
		"flight, and has a Done. What that costs is shown for round robin: an addition and a subtraction beside the pick (counted), "+
		"or a picker round it that adds and whose Done subtracts (counted, with a Done).", shared)
	least, turns := grpcGo(leastrequest.Name, `{"choiceCount": 2}`, bare), grpcGo(roundrobin.Name, "", bare)
	within := measure.Budget{Ratio: 1, NoAllocs: true}
	g.beside("grpckit least request", grpcKit(lb.LeastRequest()), "grpc-go least request", least, within)
	free := measure.Budget{NoAllocs: true}
	g.beside("grpckit round robin", grpcKit(lb.RoundRobin()), "grpc-go least request", least, free)
	g.beside("grpckit round robin", grpcKit(lb.RoundRobin()), "grpc-go round robin, counted, with a Done",
		grpcGo(roundrobin.Name, "", ended), free)
	g.beside("grpckit round robin", grpcKit(lb.RoundRobin()), "grpc-go round robin, counted",
		grpcGo(roundrobin.Name, "", counted), measure.Budget{})
	g.beside("grpckit round robin", grpcKit(lb.RoundRobin()), "grpc-go round robin", turns, measure.Budget{})
	g.beside("grpckit Peak EWMA", grpcKit(lb.PeakEWMA()), "grpc-go least request", least, measure.Budget{})
	return g.Group
}

func grpcKit(s lb.Strategy) opener {
	return func() (measure.Loop, func(), error) {
		k, err := NewGRPCKitPicker(s, 100)
		if err != nil {
			return nil, nil, err
		}
		return k.Picks, k.Close, nil
	}
}

// GRPCKitPicker is the picker of a balanced client of grpckit, whose connections are
// ready and go nowhere, and calls as it gets them.
type GRPCKitPicker struct {
	conn   *grpc.ClientConn
	picker balancer.Picker
	calls  []balancer.PickInfo // several, since goroutines share no call
	next   atomic.Uint32
}

// NewGRPCKitPicker returns when n connections are ready.
func NewGRPCKitPicker(s lb.Strategy, n int) (*GRPCKitPicker, error) {
	var list []sd.Instance
	for _, addr := range addrs(n) {
		list = append(list, sd.Instance{Addr: addr})
	}
	instances, err := static.NewInstancer(list...)
	if err != nil {
		return nil, err
	}
	conn, err := grpckit.NewBalancedClient(tapped, instances, s)
	if err != nil {
		return nil, err
	}
	k := &GRPCKitPicker{conn: conn}
	// The calls fail, and leave the picker and what that was asked with.
	ctx := context.WithValue(call.With(context.Background(), call.RequestID("id")), tapKey{}, k)
	for range 4 * runtime.GOMAXPROCS(0) {
		if _, err := greetpb.NewGreeterClient(conn).Greet(ctx, new(greetpb.Message)); k.picker == nil {
			k.Close()
			return nil, err
		}
	}
	if err := until(func() bool { return len(k.Shares(50*n)) == n }); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// Close closes the client.
func (k *GRPCKitPicker) Close() { _ = k.conn.Close() }

// call returns one of the calls.
func (k *GRPCKitPicker) call() balancer.PickInfo {
	return k.calls[int(k.next.Add(1))%len(k.calls)]
}

// Picks picks and reports the end.
func (k *GRPCKitPicker) Picks(n int) error {
	info, done := k.call(), balancer.DoneInfo{BytesSent: true, BytesReceived: true}
	for range n {
		r, err := k.picker.Pick(info)
		if err != nil {
			return err
		}
		r.Done(done)
	}
	return nil
}

// Shares returns how often each address is picked.
func (k *GRPCKitPicker) Shares(picks int) map[string]int {
	info, shares := k.call(), map[string]int{}
	for range picks {
		if r, err := k.picker.Pick(info); err == nil {
			shares[r.SubConn.(*readySub).addr]++
			r.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
		}
	}
	return shares
}

// tapped is the name of the services whose pickers are to be had. grpc-go knows
// balancers by their name alone, and hands out none of what they make.
const tapped = "tapped"

type tapKey struct{}

func init() { balancer.Register(tap{balancer.Get("dowel")}) }

// tap is grpckit's balancer, with connections of its own for a service that is tapped.
type tap struct{ balancer.Builder }

func (t tap) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	if opts.Target.Endpoint() == tapped {
		cc = &tapConn{ClientConn: cc}
	}
	return t.Builder.Build(cc, opts)
}

type tapConn struct {
	balancer.ClientConn
	mu sync.Mutex // grpc-go's own serializes what happens to its connections
}

func (c *tapConn) NewSubConn(a []resolver.Address, o balancer.NewSubConnOptions) (balancer.SubConn, error) {
	return &readySub{cc: c, addr: a[0].Addr, listen: o.StateListener}, nil
}

func (c *tapConn) UpdateState(s balancer.State) {
	s.Picker = tapPicker{s.Picker}
	c.ClientConn.UpdateState(s)
}

// tapPicker hands the picker to the call that asks for it.
type tapPicker struct{ balancer.Picker }

func (p tapPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	if k, ok := info.Ctx.Value(tapKey{}).(*GRPCKitPicker); ok {
		r, err := p.Picker.Pick(info)
		if err != nil {
			return r, err // and grpc-go asks again
		}
		r.Done(balancer.DoneInfo{})
		k.picker, k.calls = p.Picker, append(k.calls, info)
	}
	return balancer.PickResult{}, status.Error(codes.Unauthenticated, "tapped")
}

// readySub is a connection that is ready as soon as it is to connect.
type readySub struct {
	balancer.SubConn // nil: a method that is not here is not called
	cc               *tapConn
	addr             string
	listen           func(balancer.SubConnState)
}

func (s *readySub) Connect() {
	s.cc.mu.Lock()
	defer s.cc.mu.Unlock()
	s.listen(balancer.SubConnState{ConnectivityState: connectivity.Ready})
}

func (s *readySub) Shutdown() {}
