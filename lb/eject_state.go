package lb

import (
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// ejectState is what is known of one node, for as long as it is in the set. As long
// as the node serves, calls touch nothing of it but the tally. It fills a cache line,
// so that two nodes never share one.
type ejectState struct {
	tally   *tally
	since   atomic.Int64  // the calls that count began then or later, see admit and discharge; 0 if it was never out
	probing atomic.Int64  // when the last probe began, or idle
	run     atomic.Uint32 // faults in a row
	out     atomic.Bool
	spared  atomic.Bool // not out for want of room

	// The rest belongs to the ward's lock.
	until time.Duration // when the next probe is due
	index int32         // in the current picker's nodes, less than 0 if it left
	times int32         // ejections in a row
	cause EjectCause

	entered uint32 // how many calls the node had had when it was first probed
}

const idle = -1

// plain says that the next success of the node is like any other, unless it is not.
func (s *ejectState) plain() {
	if s.notable() {
		return
	}
	s.tally.And(^uint64(marked))
	if s.notable() { // somebody was faster
		s.tally.Or(marked)
	}
}

// notable reports whether a success would end a run, or may have begun too early to
// count. What makes it so is followed by an Or of the tally.
func (s *ejectState) notable() bool {
	return s.run.Load() > 0 || s.spared.Load() || s.since.Load() > 0
}

// tally is all that most calls touch: how they ended in this interval, successes
// below and faults above, and above these whether the rest of the state must be
// looked at. It is a word apart, so that those of thousands of nodes stay in a
// processor's second-level cache.
type tally struct{ atomic.Uint64 }

const (
	success = 1
	fault   = 1 << 32
	marked  = 1 << 63
)

// take returns the counts, and begins anew.
func (t *tally) take() uint64 { return t.And(marked) &^ marked }

// rate is the share of successes in an interval, less than 0 if the calls are
// fewer than volume.
func rate(calls, volume uint64) float64 {
	good, bad := calls%fault, calls/fault
	if good+bad < volume {
		return -1
	}
	return float64(good) / float64(good+bad)
}

// tallies hands tallies out. In a small set each gets a cache line to itself: two
// cores would often meet in it. In a large one they lie side by side.
type tallies struct {
	stride int
	block  []tally
}

const (
	perLine  = 8   // tallies in a cache line
	smallSet = 256 // nodes
)

func newTallies(nodes int) *tallies {
	if nodes < smallSet {
		return &tallies{stride: perLine}
	}
	return &tallies{stride: 1}
}

func (t *tallies) next() *tally {
	if len(t.block) == 0 {
		t.block = make([]tally, 64)
	}
	first := &t.block[0]
	t.block = t.block[t.stride:]
	return first
}

func (t *tallies) state(*sd.Node) *ejectState {
	s := &ejectState{tally: t.next(), index: -1}
	s.probing.Store(idle)
	return s
}
