package rows

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"

	v3orcapb "github.com/cncf/xds/go/xds/data/orca/v3"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/leastrequest"
	"google.golang.org/grpc/balancer/roundrobin"
	"google.golang.org/grpc/balancer/weightedroundrobin"
	"google.golang.org/grpc/connectivity"
	estats "google.golang.org/grpc/experimental/stats"
	"google.golang.org/grpc/resolver"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
	"github.com/dowelkit/dowel/lb"
)

// PicksBesideGRPC compares with the balancers of grpc-go, over connections that are
// ready and go nowhere.
func PicksBesideGRPC() []measure.Group {
	return []measure.Group{grpcGroup(false), grpcGroup(true)}
}

func grpcGroup(shared bool) measure.Group {
	g := pickGroup("Pick beside grpc-go", "Pick and release of both, of 100. Where grpc-go does not count what is in "+
		"flight, an addition to the counter of the picked one and a subtraction stand beside its pick. Its weights are those of load "+
		"reports, which are 1, 2 and 4 in turn, and no report comes while it is measured. Our round robin of so many has two turns, "+
		"for those who pick in parallel; on one goroutine they are a cost, and have no budget.", shared)
	within := measure.Budget{Ratio: 1, NoAllocs: true}
	turns := within
	if !shared {
		turns.Ratio = 0
	}
	g.beside("round robin", ours(100, alike, lb.RoundRobin()),
		"grpc-go round robin, counted", grpcGo(roundrobin.Name, "", counted), turns)
	g.beside("least request", ours(100, alike, lb.LeastRequest()),
		"grpc-go least request", grpcGo(leastrequest.Name, `{"choiceCount": 2}`, bare), within)
	g.beside("weighted round robin", ours(100, spread, lb.WeightedRoundRobin()),
		"grpc-go weighted round robin, counted", grpcGo(weightedroundrobin.Name, `{"blackoutPeriod": "0s", "weightUpdatePeriod": "0.1s"}`, counted), within)
	return g.Group
}

// count says how the calls in flight are counted beside a balancer of grpc-go that
// does not by itself.
type count int

const (
	bare    count = iota // not at all
	counted              // by an addition beside the pick and a subtraction
	ended                // by a picker round it whose Done subtracts, as that of least request does
)

func grpcGo(name, config string, how count) opener {
	return func() (measure.Loop, func(), error) {
		cc, err := NewGRPCBalancer(name, config, 100)
		if err != nil {
			return nil, nil, err
		}
		if name == weightedroundrobin.Name {
			if err := cc.Report(spread); err != nil {
				cc.Close()
				return nil, nil, err
			}
		}
		return cc.Picks(how), cc.Close, nil
	}
}

// GRPCBalancer is a balancer of grpc-go and the connection that it believes to be
// part of.
type GRPCBalancer struct {
	balancer.ClientConn // nil: a method that is not here is not called
	balancer            balancer.Balancer
	picker              atomic.Pointer[balancer.Picker]
	mu                  sync.Mutex
	later               []func() // state changes, which may not be told under the balancer's locks
}

// NewGRPCBalancer returns when n connections are ready.
func NewGRPCBalancer(name, config string, n int) (*GRPCBalancer, error) {
	builder := balancer.Get(name)
	state := balancer.ClientConnState{}
	if config != "" {
		parser, ok := builder.(balancer.ConfigParser)
		if !ok {
			return nil, errors.New("rows: the balancer takes no config")
		}
		var err error
		if state.BalancerConfig, err = parser.ParseConfig(json.RawMessage(config)); err != nil {
			return nil, err
		}
	}
	for _, addr := range addrs(n) {
		state.ResolverState.Endpoints = append(state.ResolverState.Endpoints,
			resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	cc := new(GRPCBalancer)
	cc.balancer = builder.Build(cc, balancer.BuildOptions{})
	if err := cc.balancer.UpdateClientConnState(state); err != nil {
		return nil, err
	}
	cc.settle()
	return cc, nil
}

// settle tells the balancer of all state changes, and of those that these lead to.
func (cc *GRPCBalancer) settle() {
	for {
		cc.mu.Lock()
		todo := cc.later
		cc.later = nil
		cc.mu.Unlock()
		if len(todo) == 0 {
			return
		}
		for _, f := range todo {
			f()
		}
	}
}

func (cc *GRPCBalancer) soon(f func()) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	cc.later = append(cc.later, f)
}

// Picker returns the balancer's last one.
func (cc *GRPCBalancer) Picker() balancer.Picker { return *cc.picker.Load() }

// Close ends the balancer.
func (cc *GRPCBalancer) Close() { cc.balancer.Close() }

// Report tells the balancer the load of every connection, so that it gives
// connection i that weight, and waits until it has.
func (cc *GRPCBalancer) Report(weight func(i int) int) error {
	byAddr := map[string]int{}
	for i, addr := range addrs(1000) {
		byAddr[addr] = weight(i)
	}
	p := cc.Picker()
	for range 1000 { // round robin: every connection, several times
		r, err := p.Pick(balancer.PickInfo{Ctx: context.Background()})
		if err != nil {
			return err
		}
		r.Done(balancer.DoneInfo{ServerLoad: &v3orcapb.OrcaLoadReport{
			RpsFractional: float64(byAddr[r.SubConn.(*grpcSub).addr]), ApplicationUtilization: 1,
		}})
	}
	// It renews its weights each tenth of a second.
	return until(func() bool {
		share := cc.Shares(700)
		return share[Addr(2)] > 2*share[Addr(0)]
	})
}

// Shares returns how often each address is picked.
func (cc *GRPCBalancer) Shares(picks int) map[string]int {
	shares := map[string]int{}
	for range picks {
		if r, err := cc.Picker().Pick(balancer.PickInfo{Ctx: context.Background()}); err == nil {
			shares[r.SubConn.(*grpcSub).addr]++
		}
	}
	return shares
}

// Picks picks and reports the end.
func (cc *GRPCBalancer) Picks(how count) measure.Loop {
	p := cc.Picker()
	if how == ended {
		p = endedPicker{p}
	}
	info := balancer.PickInfo{Ctx: context.Background()}
	return func(n int) error {
		for range n {
			r, err := p.Pick(info)
			if err != nil {
				return err
			}
			if how == counted {
				sub := r.SubConn.(*grpcSub)
				sub.active.Add(1)
				sub.active.Add(-1)
			}
			if r.Done != nil {
				r.Done(balancer.DoneInfo{})
			}
		}
		return nil
	}
}

// endedPicker counts what is in flight.
type endedPicker struct{ balancer.Picker }

func (p endedPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	r, err := p.Picker.Pick(info)
	if err != nil {
		return r, err
	}
	sub := r.SubConn.(*grpcSub)
	sub.active.Add(1)
	r.Done = func(balancer.DoneInfo) { sub.active.Add(-1) }
	return r, nil
}

func (cc *GRPCBalancer) NewSubConn(a []resolver.Address, o balancer.NewSubConnOptions) (balancer.SubConn, error) {
	return &grpcSub{cc: cc, addr: a[0].Addr, listen: o.StateListener}, nil
}
func (cc *GRPCBalancer) UpdateState(s balancer.State)            { cc.picker.Store(&s.Picker) }
func (cc *GRPCBalancer) ResolveNow(resolver.ResolveNowOptions)   {}
func (cc *GRPCBalancer) Target() string                          { return service }
func (cc *GRPCBalancer) MetricsRecorder() estats.MetricsRecorder { return noMetrics{} }

// grpcSub is a connection that is ready as soon as it is to connect.
type grpcSub struct {
	balancer.SubConn // nil, see GRPCBalancer
	cc               *GRPCBalancer
	addr             string
	listen           func(balancer.SubConnState)
	active           atomic.Int64
	_                [64]byte
}

func (s *grpcSub) Connect() {
	s.cc.soon(func() { s.listen(balancer.SubConnState{ConnectivityState: connectivity.Connecting}) })
	s.cc.soon(func() { s.listen(balancer.SubConnState{ConnectivityState: connectivity.Ready}) })
}

func (s *grpcSub) RegisterHealthListener(f func(balancer.SubConnState)) {
	s.cc.soon(func() { f(balancer.SubConnState{ConnectivityState: connectivity.Ready}) })
}

func (s *grpcSub) Shutdown() {}

type noMetrics struct{ estats.MetricsRecorder }

func (noMetrics) RecordInt64Count(*estats.Int64CountHandle, int64, ...string)       {}
func (noMetrics) RecordFloat64Histo(*estats.Float64HistoHandle, float64, ...string) {}
