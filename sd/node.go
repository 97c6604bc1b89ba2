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
	active   atomic.Int64 // calls in flight, plus refusing once retired
	instance atomic.Pointer[Instance]
	// drained is closed by whoever brings a refusing node's counter to zero.
	drained chan struct{}
	once    sync.Once
	_       [64 - 36]byte
}

// refusing is added to the counter of a node that refuses: it makes every count
// negative, so that Acquire learns of it by the same single addition.
const refusing = math.MinInt64

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
func (n *Node) Acquire() bool { return n.active.Add(1) > 0 || n.refuse() }

// Enter is Acquire for who wants to know the load too: it returns the number of
// calls in flight with this one, from the same single addition, or zero if the
// node has left the set and nothing was counted.
func (n *Node) Enter() int64 {
	if a := n.active.Add(1); a > 0 || n.refuse() {
		return a
	}
	return 0
}

// Release ends what a successful Acquire began. It panics if nothing is in flight:
// a count below zero would look like a node that has left, and nobody would pick
// it again.
func (n *Node) Release() {
	if a := n.active.Add(-1); a < 0 {
		n.released(a)
	}
}

// released is the rare part of Release, kept apart so that Release is inlined.
//
//go:noinline
func (n *Node) released(a int64) {
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
	if n.active.Add(-1) == refusing {
		n.finish()
	}
	return false
}

// InFlight returns the number of calls in flight.
func (n *Node) InFlight() int64 {
	a := n.active.Load()
	if a < 0 {
		return a - refusing
	}
	return a
}

// Retire makes the node refuse calls and waits until none is in flight, or until
// ctx is done, whose error it returns then. It may be called more than once.
func (n *Node) Retire(ctx context.Context) error {
	for {
		a := n.active.Load()
		if a < 0 {
			break
		}
		if n.active.CompareAndSwap(a, a+refusing) {
			if a == 0 {
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
