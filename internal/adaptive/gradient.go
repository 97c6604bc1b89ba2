package adaptive

import (
	"math"
	"time"
)

// gradient is the law by which a limit follows the latency. It is not safe for
// concurrent use. Latencies are in nanoseconds.
type gradient struct {
	low, high float64 // bounds of the limit
	tolerance float64

	limit   float64
	base    float64 // the latency while nothing waits, or 0 as long as it is not known
	floor   float64 // the lowest base since the last probe
	highest float64 // limit since the last probe
	probed  time.Duration
	every   time.Duration
	probe   probe
}

// probe is under way if last is not 0. It finds the base by a descent.
type probe struct {
	began          time.Duration
	limit, latency float64 // before it
	last           float64 // latency of the last step
}

const (
	// The time from one probe to the next doubles up to the latter, since the first
	// base may be that of a crowd.
	probeFirst = time.Second
	probeEvery = 30 * time.Second
	dearest    = 20 // times as long as the probe lasted, from one to the next
	// descends is by what a halved limit lowers the latency as long as calls wait.
	// It would be 0.5, but for noise, and more when the waiting ends on the way.
	descends = 0.7
	steepest = 0.5
)

func newGradient(c Config) gradient {
	g := gradient{low: float64(c.Low), high: float64(c.High), tolerance: c.Tolerance, every: probeFirst}
	g.set(float64(c.Start))
	g.highest = g.limit
	return g
}

// update takes the mean latency under the current limit, and how many calls ran at
// once, into account.
func (g *gradient) update(now time.Duration, latency, peak float64) {
	if g.probe.last > 0 {
		g.descend(now, latency)
		return
	}
	if g.base == 0 {
		g.base, g.floor = latency, latency
	}
	g.follow(latency)
	if g.due(now, latency, peak) {
		g.probe = probe{began: now, limit: g.limit, latency: latency, last: latency}
		g.set(g.limit / 2)
		return
	}
	next := g.next(g.limit, max(g.ratio(latency), steepest))
	if next > g.limit && peak < g.limit/2 {
		return
	}
	g.set(next)
	g.highest = max(g.highest, g.limit)
}

// due reports whether to find the base. It need not be found as long as the latency
// is within the tolerance and nobody is refused.
func (g *gradient) due(now time.Duration, latency, peak float64) bool {
	slow, full := latency > g.slow(), peak >= 0.9*math.Floor(g.limit)
	return g.limit > g.low && (slow || full) && (now-g.probed >= g.every || slow && g.limit <= g.highest/2)
}

// descend goes on with a probe, or ends it if the latency has fallen no further.
func (g *gradient) descend(now time.Duration, latency float64) {
	if latency < descends*g.probe.last && g.limit > g.low {
		g.probe.last = latency
		g.set(g.limit / 2)
		return
	}
	before := g.probe
	g.base, g.floor, g.probe = latency, latency, probe{}
	g.probed, g.every = now, max(min(2*g.every, probeEvery), dearest*(now-before.began))
	g.set(g.next(before.limit, g.ratio(before.latency)))
	g.highest = g.limit
}

// follow moves the base towards a latency within the tolerance, and quickly down
// to one below. Within the tolerance is what noise does. The way up is bounded, so
// that a queue that grows slowly does not take the base along.
func (g *gradient) follow(latency float64) {
	switch {
	case latency > g.slow():
		return
	case latency < g.base/g.tolerance:
		g.base += (latency - g.base) / 4
	default:
		g.base += (latency - g.base) / 16
	}
	g.base = min(g.base, g.tolerance*g.floor)
	g.floor = min(g.floor, g.base)
}

// slow returns the latency above which the limit is lowered.
func (g *gradient) slow() float64 { return g.tolerance * g.base }

// ratio is the gradient, but for its lower bound.
func (g *gradient) ratio(latency float64) float64 {
	return g.tolerance * min(1, g.base/latency)
}

func (g *gradient) next(limit, ratio float64) float64 { return ratio*limit + math.Sqrt(limit) }

func (g *gradient) set(limit float64) { g.limit = min(max(limit, g.low), g.high) }
