package lb

import (
	"math"
	"sync/atomic"
	"time"
)

// ewmaCell is what is known of one node. It fills a cache line, see sd.Node. While
// all is well most calls write nothing to it, so that each processor can keep a
// copy. A pick reads the first three words, and more only if one of them says so.
type ewmaCell struct {
	key   atomic.Int64  // see ewma.key; 0 before anything is known, or the cell was compared
	quiet atomic.Int64  // when a call ended; or, negated, when the one began since which none was answered
	until atomic.Int64  // the later of blame and apart
	cost  atomic.Uint64 // E in nanoseconds, a float64's bits; 0 before the first answer
	stamp atomic.Int64  // when cost was written
	blame atomic.Int64  // when the penalty for faults will have fallen to T
	apart atomic.Int64  // until when the node wants to be left alone
	alive atomic.Int64  // when an answer was booked; 0 before the first
}

// key tells a latency of a time as the time when it will have decayed to a nanosecond,
// τ·ln(latency) later. All decay alike, so the lesser key is the lesser latency at any
// time, and a pick need not compute what has become of it; and a factor to a latency is
// a term to its key.
func (e *ewma) key(at time.Duration, latency float64) int64 { return int64(at) + e.term(latency) }

// term is what a factor adds to a key.
func (e *ewma) term(factor float64) int64 { return int64(float64(e.tau) * math.Log(factor)) }

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
// together than a grain and are below E, one is booked. The words are not written at
// once: who reads between the writes sees what was before, for a few nanoseconds.
func (c *ewmaCell) answer(end, latency time.Duration, e *ewma, typical float64) {
	l := max(1, float64(latency))
	for {
		bits := c.cost.Load()
		cost, next := math.Float64frombits(bits), l
		switch {
		case bits == 0 && typical > l:
			next = (l + typical) / 2 // one fast answer does not make a fast instance
		case cost > l:
			if end-time.Duration(c.alive.Load()) < e.grain {
				return
			}
			next = l + (cost-l)*fade(float64(end-time.Duration(c.stamp.Load()))*e.rate)
		}
		if c.cost.CompareAndSwap(bits, math.Float64bits(next)) {
			raise(&c.alive, end)
			c.book(end, e)
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
		if l <= known || bits == 0 && known == 0 {
			return
		}
		if c.cost.CompareAndSwap(bits, math.Float64bits(l)) {
			c.book(end, e)
			return
		}
	}
}

// book writes what goes with a new cost. Whoever finds that cost or stamp has changed
// again does so for that too, so that the last key to be written is theirs.
func (c *ewmaCell) book(at time.Duration, e *ewma) {
	raise(&c.stamp, at)
	for {
		cost, stamp := c.cost.Load(), c.stamp.Load()
		c.key.Store(e.key(time.Duration(stamp), math.Float64frombits(cost)))
		if c.cost.Load() == cost && c.stamp.Load() == stamp {
			return
		}
	}
}

// avoid raises one of the times that speak against the node.
func (c *ewmaCell) avoid(t *atomic.Int64, to time.Duration) {
	raise(t, to)
	raise(&c.until, to)
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

// odd reports whether the key, which is k, is not all that there is to the node.
func (c *ewmaCell) odd(k int64, now time.Duration) bool {
	return k == 0 || c.quiet.Load() < 0 || c.until.Load() > int64(now)
}

// proven reports whether the node has answered within τ.
func (c *ewmaCell) proven(now time.Duration, e *ewma) bool {
	alive := c.alive.Load()
	return alive != 0 && int64(now)-alive < int64(e.tau)
}

// start and end book the beginning and the answer of a call. A call that begins as soon
// after another ended as hush says is not booked: if it hangs, one that begins later
// will tell.
func (c *ewmaCell) start(at time.Duration, e *ewma) {
	if w := c.quiet.Load(); w >= 0 && int64(at)-w > e.hush {
		c.quiet.CompareAndSwap(w, -int64(at)) // else somebody else books one
	}
}

func (c *ewmaCell) end(at time.Duration, e *ewma) {
	if w := c.quiet.Load(); w < 0 || int64(at)-w > e.hush {
		c.ended(int64(at))
	}
}

// ended is the rare part of end. A call that was answered before the other one began
// tells nothing of it.
func (c *ewmaCell) ended(at int64) {
	for w := c.quiet.Load(); at > w && at >= -w; w = c.quiet.Load() {
		if c.quiet.CompareAndSwap(w, at) {
			return
		}
	}
}

// withdraw takes back what start booked for a call that was not answered: it ends no
// silence of others.
func (c *ewmaCell) withdraw(began, at time.Duration) {
	c.quiet.CompareAndSwap(-int64(began), int64(at))
}
