// Package adaptive is the limit of how many calls run at once that finds its value
// by itself, without a clock of its own: package ratelimit has it protect servers, and
// package lbsim protects simulated ones with the same.
//
//	limit := adaptive.New(adaptive.Defaults())
//	if limit.Enter(call.Critical) {
//		start := now()
//		err := work()
//		limit.Leave(start, now(), err == nil)
//	}
package adaptive

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/call"
)

// Limit is the limit, by the law that ratelimit.Concurrency describes. It is safe for
// concurrent use, takes no lock to let a call in, and is made by [New].
type Limit struct {
	slots atomic.Int64 // the limit

	_        [64]byte
	inFlight atomic.Int64
	peak     atomic.Int64 // of those in flight, since the last adjustment

	_       [64]byte
	samples samples

	_       [64]byte
	refused [classes]atomic.Uint64

	adjusting sync.Mutex
	gradient  gradient
}

// Config is what a Limit is made of. It must be valid: see the options of
// ratelimit.NewConcurrency.
type Config struct {
	Low, High int // bounds of the limit
	Start     int // is brought between them
	Tolerance float64
}

// Defaults returns the settings of a ratelimit.Concurrency without options.
func Defaults() Config { return Config{Low: 1, High: 10_000, Start: 20, Tolerance: 1.25} }

// New returns a Limit.
func New(c Config) *Limit {
	l := &Limit{gradient: newGradient(c)}
	l.slots.Store(int64(l.gradient.limit))
	l.samples.begin(0, l.gradient.limit, 0, 0)
	return l
}

// Slots returns how many calls may run at once now.
func (l *Limit) Slots() int { return int(l.slots.Load()) }

// InFlight returns how many calls are running.
func (l *Limit) InFlight() int { return int(l.inFlight.Load()) }

// Refused returns how many calls of that class were refused.
func (l *Limit) Refused(p call.Criticality) uint64 { return l.refused[classOf(p)].Load() }

const classes = int(call.CriticalPlus-call.Sheddable) + 1

// shares are what each class may use of the limit, in percent.
var shares = [classes]int64{50, 70, 90, 100}

func classOf(p call.Criticality) int {
	return int(min(max(p, call.Sheddable), call.CriticalPlus) - call.Sheddable)
}

// Enter counts a call in, only if there is room for its class. To count first and to
// look then would refuse calls because of others that are refused.
func (l *Limit) Enter(p call.Criticality) bool {
	class := classOf(p)
	room := (l.slots.Load()*shares[class] + 99) / 100
	for {
		n := l.inFlight.Load()
		if n >= room {
			l.refused[class].Add(1)
			return false
		}
		if l.inFlight.CompareAndSwap(n, n+1) {
			l.reached(n + 1)
			return true
		}
	}
}

func (l *Limit) reached(n int64) {
	for {
		peak := l.peak.Load()
		if n <= peak || l.peak.CompareAndSwap(peak, n) {
			return
		}
	}
}

// Leave ends what Enter began at start. Both times are since one epoch, at which or
// after which the Limit was made.
func (l *Limit) Leave(start, now time.Duration, served bool) {
	l.inFlight.Add(-1)
	if l.samples.add(start, now, served) && l.adjusting.TryLock() {
		defer l.adjusting.Unlock()
		l.adjust(now)
	}
}

// adjust sets the limit by what was measured. The caller has the lock.
func (l *Limit) adjust(now time.Duration) {
	if !l.samples.enough(now) {
		return // somebody else has just done it
	}
	latency := l.samples.mean()
	peak := l.peak.Swap(l.inFlight.Load())
	l.gradient.update(now, latency, float64(peak))
	l.slots.Store(int64(l.gradient.limit))
	l.samples.begin(now, l.gradient.limit, latency, l.gradient.slow())
}
