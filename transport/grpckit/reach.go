package grpckit

import (
	"sync/atomic"

	"github.com/dowelkit/dowel/sd"
)

// reach is how far a call got. Its halves are one number, so that a pick writes it once.
type reach struct {
	n atomic.Int64 // asked times how often a picker was asked, and the attempts that had a stream, or may still
	// instance is that of the last attempt.
	instance atomic.Pointer[sd.Instance]
}

const asked = 1 << 32

// missed notes that a picker had nobody.
func (r *reach) missed() { r.n.Add(asked) }

// goes notes that an attempt is on its way to an instance.
func (r *reach) goes(to *sd.Instance) {
	r.instance.Store(to)
	r.n.Add(asked + 1)
}

// returns notes that the attempt never had a stream. Of one that had, nothing is said:
// grpc-go tells some that failed as it tells those that succeeded.
func (r *reach) returns() { r.n.Add(-1) }

// unsent reports that pickers were asked, and that no attempt had a stream or is on its
// way, so that nothing can have reached a server.
func (r *reach) unsent() bool { n := r.n.Load(); return n != 0 && n%asked == 0 }
