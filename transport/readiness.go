package transport

import (
	"sync"
	"sync/atomic"
)

// Readiness says whether a service wants traffic. [Serve] sets it through
// [MarkReady] and a health handler reads it. It is safe for concurrent use; the
// zero value is not ready. It must not be copied.
//
// It does not depend on the registry: if it did, a registry outage would make
// every instance not ready at once.
type Readiness struct {
	ready   atomic.Bool
	mu      sync.Mutex
	changed chan struct{} // nil until somebody asks for it
}

// Ready reports whether the service wants traffic.
func (r *Readiness) Ready() bool { return r.ready.Load() }

// Changed returns a channel that is closed when Ready changes for the next time. Who
// gets it before asking Ready misses no change:
//
//	for {
//		changed := r.Changed()
//		tell(r.Ready())
//		<-changed
//	}
func (r *Readiness) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// Set sets whether the service wants traffic.
func (r *Readiness) Set(ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready.Swap(ready) != ready && r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}
