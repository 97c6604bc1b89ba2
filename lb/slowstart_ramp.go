package lb

import (
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// ramp is what is known of a node: since when it is new, if it is.
type ramp struct{ since atomic.Int64 }

// What since says of a node that has not been new for any time.
const (
	settled  = math.MinInt64
	away     = settled + 1 // ejected
	unpicked = settled + 2 // new, and inner has not picked it yet
	// Below 0 and above these is the complement of when it was first measured, unpicked.
)

func newRamp(*sd.Node) *ramp {
	r := new(ramp)
	r.since.Store(unpicked)
	return r
}

func settledRamps(n int) []*ramp {
	all, ramps := make([]ramp, n), make([]*ramp, n)
	for i := range all {
		all[i].since.Store(settled)
		ramps[i] = &all[i]
	}
	return ramps
}

func (r *ramp) young() bool { return r.since.Load() >= unpicked }

// part returns which part of its calls a newcomer gets.
func (p *slowStartPicker) part(r *ramp, now time.Duration) float64 {
	since := r.since.Load()
	switch {
	case since < unpicked: // not new any more
		return 1
	case since < 0: // at the age of 0
		if r.since.CompareAndSwap(since, int64(now)) && p.idle(since, now) {
			p.pace.awake()
		}
		since = int64(now)
	}
	y := p.ofAge(since, now)
	if y >= 1 {
		r.since.CompareAndSwap(since, settled)
		return 1
	}
	return max(math.Float64frombits(p.pace.floor.Load()), y*math.Float64frombits(p.pace.speed.Load()))
}

// idle reports whether inner had a window to pick a newcomer in and did not, as it may be
// with one in another zone: it is spared nothing then.
func (p *slowStartPicker) idle(since int64, now time.Duration) bool {
	return since != unpicked && int64(now)-^since >= int64(p.window)
}

// ofAge returns (age/window)^(1/aggression).
func (p *slowStartPicker) ofAge(since int64, now time.Duration) float64 {
	age := max(float64(int64(now)-since)/float64(p.window), 0)
	if p.exponent != 1 {
		age = math.Pow(age, p.exponent)
	}
	return age
}

// ejected has a node begin anew when it returns. It is told under a lock.
func (p *slowStartPicker) ejected(n *sd.Node, out bool) {
	i, ok := slices.BinarySearchFunc(p.nodes, n.Instance().ID, func(n *sd.Node, id string) int {
		return strings.Compare(n.Instance().ID, id)
	})
	switch {
	case !ok || p.nodes[i] != n:
	case out:
		p.ramps[i].since.Store(away)
	default:
		p.ramps[i].since.Store(unpicked)
		p.pace.renew()
	}
	if e, ok := p.picker.(attendant); ok {
		e.ejected(n, out)
	}
}
