package grpckit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport/grpckit"
)

// rig is a balancer of ours by itself, as grpc-go has it, whose connections stand at
// once, unless it is told otherwise, and go nowhere.
type rig struct {
	balancer.ClientConn // nil: a method that is not here is not called
	balancer            balancer.Balancer
	registry            *memory.Registry
	state               atomic.Pointer[balancer.State]
	mu                  sync.Mutex
	fate                map[string]error // of attempts to connect, by instance
	tried               map[string]int   // how often, by instance
	subs                map[string]*rigged
	held                map[string]chan struct{} // see hold
}

// errHangs is the fate of an attempt that does not end.
var errHangs = errors.New("the attempt hangs")

// The fates of attempts whose connections are lost as soon as they stand; of the second
// kind grpc-go does not say that they stood.
var (
	errLost       = errors.New("the connection is lost")
	errLostUntold = errors.New("the connection is lost before it is told of")
)

func (r *rig) UpdateState(s balancer.State) { r.state.Store(&s) }

func (r *rig) NewSubConn(a []resolver.Address, o balancer.NewSubConnOptions) (balancer.SubConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := a[0].Addr[:1]
	r.subs[id] = &rigged{rig: r, id: id, listen: o.StateListener, held: r.held[id]}
	delete(r.held, id)
	return r.subs[id], nil
}

// meet says what becomes of the next attempts to connect to an instance.
func (r *rig) meet(id string, fate error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fate[id] = fate
}

// attempts tells how often an instance was connected to.
func (r *rig) attempts(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried[id]
}

// lose ends the connection to an instance.
func (r *rig) lose(id string) {
	r.mu.Lock()
	s := r.subs[id]
	r.mu.Unlock()
	s.listen(balancer.SubConnState{ConnectivityState: connectivity.Idle})
}

// rigged is one of its connections.
type rigged struct {
	balancer.SubConn // nil, see rig
	rig              *rig
	id               string
	listen           func(balancer.SubConnState)
	held             chan struct{} // nil: it is not
	over             atomic.Bool
}

func (s *rigged) Connect() {
	if s.over.Load() {
		return
	}
	s.rig.mu.Lock()
	fate := s.rig.fate[s.id]
	if s.rig.tried == nil {
		s.rig.tried = map[string]int{}
	}
	s.rig.tried[s.id]++
	s.rig.mu.Unlock()
	switch fate {
	case nil:
		s.listen(balancer.SubConnState{ConnectivityState: connectivity.Ready})
	case errHangs:
		s.listen(balancer.SubConnState{ConnectivityState: connectivity.Connecting})
	case errLost, errLostUntold:
		s.listen(balancer.SubConnState{ConnectivityState: connectivity.Connecting})
		if fate == errLost {
			s.listen(balancer.SubConnState{ConnectivityState: connectivity.Ready})
		}
		s.listen(balancer.SubConnState{ConnectivityState: connectivity.Idle})
	default:
		s.listen(balancer.SubConnState{ConnectivityState: connectivity.TransientFailure, ConnectionError: fate})
	}
	if s.held != nil {
		<-s.held
	}
}

// hold says that whoever makes the next connection to an instance is held until release.
func (r *rig) hold(id string) (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := make(chan struct{})
	r.held[id] = held
	return func() { close(held) }
}

func (s *rigged) Shutdown() { s.over.Store(true) }

// newRig returns when all are picked, each of which has a name of one letter.
func newRig(t testing.TB, strategy lb.Strategy, ids ...string) *rig {
	t.Helper()
	r := &rig{registry: memory.NewRegistry(), fate: map[string]error{}, subs: map[string]*rigged{}, held: map[string]chan struct{}{}}
	r.publish(t, ids...)
	r.balance(t, r.registry.Instancer("echo"), strategy)
	eventually(t, "all are picked", func() bool {
		picked := map[string]bool{}
		for range 20 * len(ids) {
			if id, err := r.try(context.Background()); err == nil {
				picked[id] = true
			}
		}
		return len(picked) == len(ids)
	})
	return r
}

func (r *rig) publish(t testing.TB, ids ...string) {
	t.Helper()
	var all []sd.Instance
	for _, id := range ids {
		all = append(all, sd.Instance{ID: id, Addr: id + ":1"})
	}
	if err := r.registry.Set("echo", all...); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) balance(t testing.TB, instances sd.Instancer, strategy lb.Strategy) {
	t.Helper()
	b, err := grpckit.Balance(r, instances, strategy)
	if err != nil {
		t.Fatal(err)
	}
	r.balancer = b
	t.Cleanup(b.Close)
}

func (r *rig) pick(ctx context.Context) (balancer.PickResult, error) {
	return r.state.Load().Picker.Pick(balancer.PickInfo{Ctx: ctx})
}

// try makes a call that succeeds, and returns who served it.
func (r *rig) try(ctx context.Context) (id string, err error) {
	p, err := r.pick(ctx)
	if err != nil {
		return "", err
	}
	p.Done(balancer.DoneInfo{BytesSent: true, BytesReceived: true})
	return p.SubConn.(*rigged).id, nil
}
