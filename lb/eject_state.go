package lb

import (
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// ejectState is what is known of one node, for as long as it is in the set. Each
// call writes to it; it fills a cache line, so that two nodes never share one.
type ejectState struct {
	calls   atomic.Uint64 // of the interval: faults above, successes below
	since   atomic.Int64  // when it was ejected or returned last
	probing atomic.Int64  // when the probe began, or idle
	run     atomic.Uint32 // faults in a row
	out     atomic.Bool
	spared  atomic.Bool // not out for want of room

	// The rest belongs to the ward's lock.
	until time.Duration // when the next probe is due
	index int32         // in the current picker's nodes, less than 0 if it left
	times int32         // ejections in a row
	cause EjectCause
	_     [64 - 57]byte
}

const (
	success = 1
	fault   = 1 << 32
	idle    = -1
)

func newEjectState(*sd.Node) *ejectState {
	s := &ejectState{index: -1}
	s.probing.Store(idle)
	return s
}

// rate is the share of successes in an interval, less than 0 if the calls are
// fewer than volume.
func rate(calls, volume uint64) float64 {
	good, bad := calls%fault, calls/fault
	if good+bad < volume {
		return -1
	}
	return float64(good) / float64(good+bad)
}
