package lb

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pace is how fast the newcomers of a picker go. It is written a few dozen times in a
// window and read at every pick.
type pace struct {
	ramping atomic.Bool
	next    atomic.Int64  // when to measure again
	speed   atomic.Uint64 // by which the window is shortened, to the power of the exponent: a float64's bits
	floor   atomic.Uint64 // the same
	known   atomic.Int64  // newcomers that were measured
	late    atomic.Int64  // newcomers that were not, because they were idle, and are picked now

	measuring sync.Mutex
	parts     []float64 // scratch: of the newcomers, by age and window alone
	weights   []float64 // scratch, parallel to parts
}

func newPace(floor float64) *pace {
	p := new(pace)
	p.set(1, floor)
	return p
}

func (p *pace) set(speed, floor float64) {
	p.speed.Store(math.Float64bits(speed))
	p.floor.Store(math.Float64bits(floor))
}

// renew has the pace measured at the next pick, since somebody is new.
func (p *pace) renew() {
	p.next.Store(math.MinInt64)
	p.ramping.Store(true)
}

// awake has the pace measured at the next pick if more than an eighth of the newcomers
// was idle the last time: for each of many alone it would cost too much.
func (p *pace) awake() {
	if p.late.Add(1)*8 > p.known.Load() {
		p.next.Store(math.MinInt64)
	}
}

// measure finds the speed and the floor at which the newcomers are not spared too
// much. Whoever comes while it is under way goes on at the last pace.
func (p *slowStartPicker) measure(now time.Duration) {
	pace := p.pace
	if !pace.measuring.TryLock() {
		return
	}
	defer pace.measuring.Unlock()
	next := int64(now + p.window/64)
	pace.next.Store(next)
	others, heaviest := p.gather(now)
	if heaviest == 0 {
		pace.next.CompareAndSwap(next, math.MaxInt64) // until one that is idle is picked, or one comes
		pace.ramping.Store(false)
		if slices.ContainsFunc(p.ramps, (*ramp).young) { // one came between
			pace.ramping.Store(true)
		}
	}
	pace.set(pace.fit(p.floor, max(p.burden*others, (1-p.floor)*heaviest)))
}

// gather notes the newcomers' parts and weights, and returns the weight of those that
// bear what they are spared, and of the heaviest newcomer.
func (p *slowStartPicker) gather(now time.Duration) (others, heaviest float64) {
	pace := p.pace
	pace.known.Store(0) // one that is picked from now on may have been passed already
	pace.late.Store(0)
	pace.parts, pace.weights = pace.parts[:0], pace.weights[:0]
	for i, r := range p.ramps {
		w, y := weightOf(p.nodes[i]), 0.0
		switch since := r.since.Load(); {
		case since == settled:
			others += w
			continue
		case since == away, since < 0 && p.idle(since, now):
			continue
		case since == unpicked:
			r.since.CompareAndSwap(unpicked, ^int64(now))
		case since >= 0:
			y = p.ofAge(since, now)
		}
		heaviest = max(heaviest, w)
		pace.parts, pace.weights = append(pace.parts, y), append(pace.weights, w)
	}
	pace.known.Store(int64(len(pace.parts)))
	return others, heaviest
}

// fastest is a speed beyond which a newcomer counts as one of the age 0.
const fastest = 1e6

// fit returns the least speed and floor at which the newcomers are spared no more
// than most.
func (p *pace) fit(floor, most float64) (speed, atLeast float64) {
	if p.spared(1, floor) <= most {
		return 1, floor
	}
	if p.spared(fastest, floor) > most {
		slow := 0.0
		for i, y := range p.parts {
			if y*fastest < 1 {
				slow += p.weights[i]
			}
		}
		return fastest, 1 - most/slow
	}
	low, high := 1.0, fastest
	for high > 1.002*low {
		if mid := math.Sqrt(low * high); p.spared(mid, floor) > most {
			low = mid
		} else {
			high = mid
		}
	}
	return high, floor
}

// spared returns how much, in weights, the newcomers are spared.
func (p *pace) spared(speed, floor float64) float64 {
	sum := 0.0
	for i, y := range p.parts {
		sum += p.weights[i] * (1 - min(1, max(floor, y*speed)))
	}
	return sum
}
