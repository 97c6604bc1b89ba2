package lb

import (
	"math"
	"sync/atomic"
	"time"
)

// ewmaCell is what is known of one node. It fills a cache line, see sd.Node. While
// all is well most calls write nothing to it, so that each processor can keep a
// copy.
type ewmaCell struct {
	cost  atomic.Uint64 // E in nanoseconds, a float64's bits; 0 before the first answer
	stamp atomic.Int64  // when cost was written
	asked atomic.Int64  // when the call began that none has ended since, see silence
	ended atomic.Int64  // when a call ended
	blame atomic.Int64  // when the penalty for faults will have fallen to T
	apart atomic.Int64  // until when the node wants to be left alone
	_     [64 - 48]byte
}

// fade is exp(-x). Most nodes were heard of a moment ago, where three terms of the
// series are right to 5 in 100,000 and take a tenth of the time.
func fade(x float64) float64 {
	if x <= 0 {
		return 1
	}
	if x < 1./16 {
		return 1 - x + x*x/2
	}
	return math.Exp(-x)
}

// answer books a latency of a call that was served. Of answers that come closer
// together than a grain and are below E, one is booked. The two words are not
// written at once: who reads between the writes sees the new cost as older than it
// is, for a few nanoseconds.
func (c *ewmaCell) answer(end, latency time.Duration, e *ewma, typical float64) {
	l := max(1, float64(latency))
	for {
		bits := c.cost.Load()
		cost, next := math.Float64frombits(bits), l
		switch {
		case bits == 0 && typical > l:
			next = (l + typical) / 2 // one fast answer does not make a fast instance
		case cost > l:
			since := end - time.Duration(c.stamp.Load())
			if since < e.grain {
				return
			}
			next = l + (cost-l)*fade(float64(since)*e.rate)
		}
		if c.cost.CompareAndSwap(bits, math.Float64bits(next)) {
			raise(&c.stamp, end)
			return
		}
	}
}

// atLeast books a lower bound of the latency. An instance of which nothing is
// known counts as typical, and not as the bound.
func (c *ewmaCell) atLeast(end, latency time.Duration, e *ewma, typical float64) {
	l := float64(latency)
	for {
		bits := c.cost.Load()
		known := math.Float64frombits(bits) * fade(float64(end-time.Duration(c.stamp.Load()))*e.rate)
		if bits == 0 {
			known = typical
		}
		if l <= known || known == 0 {
			return
		}
		if c.cost.CompareAndSwap(bits, math.Float64bits(l)) {
			raise(&c.stamp, end)
			return
		}
	}
}

// raise sets a time to a later one.
func raise(t *atomic.Int64, to time.Duration) {
	for {
		old := t.Load()
		if old >= int64(to) || t.CompareAndSwap(old, int64(to)) {
			return
		}
	}
}

// start and end book the beginning and the end of a call. A call that begins
// within a grain after another ended is not booked: if it hangs, one that begins
// later will tell.
func (c *ewmaCell) start(at time.Duration, e *ewma) {
	if ended := c.ended.Load(); c.asked.Load() <= ended && int64(at)-ended > int64(e.grain/64) {
		raise(&c.asked, at)
	}
}

func (c *ewmaCell) end(at time.Duration, e *ewma) {
	if ended := c.ended.Load(); c.asked.Load() > ended || int64(at)-ended > int64(e.grain/64) {
		raise(&c.ended, at)
	}
}

// silence is for how long a call has been in flight while none has ended, in
// nanoseconds.
func (c *ewmaCell) silence(now time.Duration) float64 {
	if asked := c.asked.Load(); asked > c.ended.Load() {
		return float64(int64(now) - asked)
	}
	return 0
}
