package sd

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// Node is the place of one live instance in an [Endpointer]: the instance as it
// is known now, and the calls in flight on it. Drain and load balancing use the
// same counter. It is safe for concurrent use and is made by an Endpointer or by
// [NewNode].
type Node struct {
	// The counter is written twice per call by every core. The struct fills a
	// cache line, so that two nodes never share one, and no more than that, so
	// that thousands of them stay in a processor's second-level cache.
	active   atomic.Int64 // see entry
	instance atomic.Pointer[Instance]
	// drained is closed by whoever brings a refusing node's counter to zero.
	drained chan struct{}
	once    sync.Once
	summed  uint32       // of the entries, what is in a tally already
	lasting atomic.Int32 // see Lasting
	_       [64 - 44]byte
}

// The counter is two. The lower half counts the calls in flight, and the upper half
// those that have entered, from zero again after 4,294,967,295: so that one addition
// does for both.
const entry = 1<<32 + 1

// refusing is added to the lower half of a node that refuses: it makes every count
// there negative, so that Acquire learns of it by the same single addition.
const refusing = math.MinInt32

// NewNode returns a node for in that accepts calls. Endpointers make their own;
// it is for other sources of clients and for tests of strategies.
func NewNode(in *Instance) *Node {
	n := &Node{drained: make(chan struct{})}
	n.instance.Store(in)
	return n
}

// Instance returns the instance as it is known now. A change of weight, zone or
// meta replaces it; ID and Addr stay.
func (n *Node) Instance() *Instance { return n.instance.Load() }

// Acquire counts a call in flight, and returns false without counting it if the
// node has left the set. Each true needs one Release.
func (n *Node) Acquire() bool { return int32(n.active.Add(entry)) > 0 || n.refuse() }

// Enter is Acquire for who wants to know the load too: it returns the number of
// calls in flight with this one, from the same single addition, or zero if the
// node has left the set and nothing was counted.
func (n *Node) Enter() int64 {
	a := int32(n.active.Add(entry))
	if a <= 0 {
		return n.nobody()
	}
	return int64(a)
}

// Undo takes back a successful Acquire or Enter of which nothing came, as if it had
// not been. It is in place of Release.
func (n *Node) Undo() {
	if a := int32(n.active.Add(-entry)); a < 0 {
		n.undone(a)
	}
}

// undone is to Undo what released is to Release.
//
//go:noinline
func (n *Node) undone(a int32) {
	if a == -1 {
		n.active.Add(entry - 1)
	}
	n.released(a)
}

// Release ends what a successful Acquire began. It panics if nothing is in flight:
// a count below zero would look like a node that has left, and nobody would pick
// it again.
func (n *Node) Release() {
	if a := int32(n.active.Add(-1)); a < 0 {
		n.released(a)
	}
}

// released is the rare part of Release, kept apart so that Release is inlined.
//
//go:noinline
func (n *Node) released(a int32) {
	switch a {
	case refusing:
		n.finish()
	case -1:
		n.active.Add(1)
		panic("sd: Release of a Node that nobody has acquired")
	}
}

// refuse takes back what Acquire has counted. It is kept apart so that Acquire is
// inlined.
//
//go:noinline
func (n *Node) refuse() bool {
	if int32(n.active.Add(-entry)) == refusing {
		n.finish()
	}
	return false
}

// nobody is refuse for Enter, which is inlined so.
//
//go:noinline
func (n *Node) nobody() int64 {
	n.refuse()
	return 0
}

// InFlight returns the number of calls in flight.
func (n *Node) InFlight() int64 {
	a := int64(int32(n.active.Load()))
	if a < 0 {
		return a - refusing
	}
	return a
}

// Lasting returns how many of the calls in flight last as long as their two ends want,
// such as streams: they are load, but that they do not end tells nothing.
func (n *Node) Lasting() int64 { return int64(n.lasting.Load()) }

// Last says that one call more lasts, or that it does not any more. It is for who
// acquired the node for that call, before it is released.
func (n *Node) Last(lasts bool) {
	if lasts {
		n.lasting.Add(1)
	} else {
		n.lasting.Add(-1)
	}
}

// Entered returns how many calls were counted so far, from zero again after
// 4,294,967,295. It falls when a call is taken back, see Undo: the difference of two
// readings is right as an int32, unless more than 2,147,483,647 lie between them. See
// [Endpointer.Entered] for a sum.
func (n *Node) Entered() uint32 { return uint32(n.active.Load() >> 32) }

// Retire makes the node refuse calls and waits until none is in flight, or until
// ctx is done, whose error it returns then. It may be called more than once.
func (n *Node) Retire(ctx context.Context) error {
	for {
		a := n.active.Load()
		if int32(a) < 0 {
			break
		}
		// No carry: the bit is clear.
		if n.active.CompareAndSwap(a, a-refusing) {
			if int32(a) == 0 {
				n.finish()
			}
			break
		}
	}
	select {
	case <-n.drained:
		return nil
	default:
	}
	select {
	case <-n.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish may be reached more than once: Acquire on a refusing node passes through
// zero too.
func (n *Node) finish() { n.once.Do(func() { close(n.drained) }) }
