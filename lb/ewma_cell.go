package lb

import (
	"math"
	"sync/atomic"
	"time"
)

// ewmaCell is what is known of one node. It fills a cache line, see sd.Node.
type ewmaCell struct {
	cost   atomic.Uint64 // E in nanoseconds, a float64's bits; 0 before the first answer
	stamp  atomic.Int64  // when cost was written
	flight atomic.Uint64 // the calls in flight, see start
	blame  atomic.Int64  // when the penalty for faults will have fallen to T
	apart  atomic.Int64  // until when the node wants to be left alone
	_      [64 - 40]byte
}

// fade is exp(-d/tau). Most nodes were heard of a moment ago, where three terms
// of the series are right to 5 in 100,000 and take a tenth of the time.
func fade(d, tau time.Duration) float64 {
	x := float64(d) / float64(tau)
	switch {
	case x <= 0:
		return 1
	case x < 1./16:
		return 1 - x + x*x/2
	}
	return math.Exp(-x)
}

// answer books a latency of a call that was served. The two words are not written
// at once: who reads between the writes sees the new cost as older than it is, for
// a few nanoseconds.
func (c *ewmaCell) answer(end, latency, tau time.Duration, typical float64) {
	l := max(1, float64(latency))
	for {
		bits := c.cost.Load()
		cost, next := math.Float64frombits(bits), l
		switch {
		case bits == 0 && typical > l:
			next = (l + typical) / 2 // one fast answer does not make a fast instance
		case cost > l:
			next = l + (cost-l)*fade(end-time.Duration(c.stamp.Load()), tau)
		}
		if c.cost.CompareAndSwap(bits, math.Float64bits(next)) {
			raise(&c.stamp, end)
			return
		}
	}
}

// atLeast books a lower bound of the latency. An instance of which nothing is
// known counts as typical, and not as the bound.
func (c *ewmaCell) atLeast(end, latency, tau time.Duration, typical float64) {
	l := float64(latency)
	for {
		bits := c.cost.Load()
		known := math.Float64frombits(bits) * fade(end-time.Duration(c.stamp.Load()), tau)
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

// start and end count a call in flight. The count is in the low 16 bits of one word
// and the sum of the starts, in units of 1,024 ns, in the rest, so that both are
// read at once. The sum may overflow, because only its difference to count × now
// is used; more calls than the count holds make that wrong until they have ended.
func (c *ewmaCell) start(at time.Duration) { c.flight.Add(uint64(at)>>10<<16 + 1) }

func (c *ewmaCell) end(at time.Duration) { c.flight.Add(-(uint64(at)>>10<<16 + 1)) }

// age is the mean age of the calls in flight, in nanoseconds.
func (c *ewmaCell) age(now time.Duration) float64 {
	f := c.flight.Load()
	n := f & 0xffff
	if n == 0 {
		return 0
	}
	sum := int64(n*(uint64(now)>>10)<<16-f&^0xffff) >> 16
	return float64(sum) * 1024 / float64(n) // negative if one started after now
}
