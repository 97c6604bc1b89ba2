package transport

import "sync/atomic"

// Readiness says whether a service wants traffic. [Serve] sets it through
// [MarkReady] and a health handler reads it. It is safe for concurrent use; the
// zero value is not ready. It must not be copied.
//
// It does not depend on the registry: if it did, a registry outage would make
// every instance not ready at once.
type Readiness struct{ ready atomic.Bool }

// Ready reports whether the service wants traffic.
func (r *Readiness) Ready() bool { return r.ready.Load() }

// Set sets whether the service wants traffic.
func (r *Readiness) Set(ready bool) { r.ready.Store(ready) }
