package lb

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// Loads is where clients leave what servers say of their own load, for
// [LeastLoaded] to find. Transports fill it: httpkit and grpckit have an option
// ReportTo for that, and ReportLoad for servers, and speak ORCA's load reports, as
// Envoy and gRPC do. Any other client calls [Load.Report]. Its zero value is ready; it is
// safe for concurrent use and must not be copied. Balancers of the same servers may share
// one. It forgets an instance when no client and no balancer has its [Load] any more.
type Loads struct {
	mu    sync.Mutex
	loads map[string]weak.Pointer[Load]
}

// Of returns the load of the instance with that ID, always the same one while
// somebody has it. It is meant for the function that dials:
//
//	func dial(ctx context.Context, in *sd.Instance) (*Client, error) {
//		return &Client{addr: in.Addr, load: loads.Of(in.ID)}, nil
//	}
func (l *Loads) Of(id string) *Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	if load := l.loads[id].Value(); load != nil {
		return load
	}
	if l.loads == nil {
		l.loads = make(map[string]weak.Pointer[Load])
	}
	load := new(Load)
	l.loads[id] = weak.Make(load)
	runtime.AddCleanup(load, l.forget, id)
	return load
}

// Len returns how many instances it knows, for metrics.
func (l *Loads) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.loads)
}

// forget is called some time after the last holder of a Load let go of it.
func (l *Loads) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loads[id].Value() == nil {
		delete(l.loads, id)
	}
}

// Load is one instance's. It is safe for concurrent use and is made by [Loads.Of].
type Load struct {
	// How many reports there were, above, and the last one, as a float32. It fills
	// a cache line, so that reports for two instances never share one.
	last atomic.Uint64
	_    [56]byte
}

// Report notes how busy the instance says it is: 0 is idle, 1 is what it can bear.
// It should come before the lease of the call that brought it is done: a method
// that [Endpoint] calls does it before it returns. It panics if the utilization is
// negative or not a finite number; a transport checks what it was sent.
func (l *Load) Report(utilization float64) {
	if !(utilization >= 0 && utilization <= math.MaxFloat32) {
		panic(fmt.Sprintf("lb: Load.Report: %v is no utilization", utilization))
	}
	bits := uint64(math.Float32bits(float32(utilization)))
	for {
		last := l.last.Load()
		number := max(uint32(last>>32)+1, 1) // 0 is none
		if l.last.CompareAndSwap(last, uint64(number)<<32|bits) {
			return
		}
	}
}
