package adaptive

import (
	"math"
	"sync/atomic"
	"time"
)

// samples gathers latencies, without a lock, until there are enough for a mean.
type samples struct {
	begun  atomic.Int64 // ns since the epoch
	opens  atomic.Int64 // ns since the epoch, at the earliest
	closes atomic.Int64 // ns since the epoch, or 0 as long as they are not open
	need   atomic.Int64
	slow   atomic.Int64 // ns: what exceeds it is slow

	_     [64]byte
	count atomic.Int64
	sum   atomic.Int64 // ns
}

const (
	shortest  = 100 * time.Millisecond // to gather
	longest   = time.Second            // to gather, if there are some at least
	settled   = 10 * time.Second       // at the latest, under a new limit
	some      = 16
	first     = 8
	fewest    = 32
	most      = 256
	perPlaces = 4 // samples for each place of the limit
)

// begin starts anew, at now, with a new limit and after a mean of latency. The
// calls that began under the last limit are let end first, most of them: they have
// waited behind others that are no longer let in. That takes twice the latency, and
// in a long line until the first call comes out that went in under the new limit.
func (s *samples) begin(now time.Duration, limit, latency, slow float64) {
	s.begun.Store(int64(now))
	s.opens.Store(int64(now + min(2*time.Duration(latency), settled)))
	s.closes.Store(0)
	s.need.Store(int64(min(max(perPlaces*limit, fewest), most)))
	s.slow.Store(int64(slow))
	if slow == 0 { // the first, before a crowd can form
		s.slow.Store(math.MaxInt64)
		s.closes.Store(1)
		s.need.Store(first)
	}
	s.count.Store(0)
	s.sum.Store(0)
}

// add reports whether there are enough now. What was not served tells only that it
// would have taken longer. It counts if it is slow already, and so never makes the
// mean of a slow server one that is not.
func (s *samples) add(start, now time.Duration, served bool) bool {
	latency := now - start
	if s.closes.Load() == 0 {
		if int64(start) < s.begun.Load() || int64(now) < s.opens.Load() {
			return false
		}
		s.closes.Store(int64(now + shortest))
	}
	if !served && int64(latency) <= s.slow.Load() {
		return false
	}
	s.sum.Add(int64(latency))
	s.count.Add(1)
	return s.enough(now)
}

func (s *samples) enough(now time.Duration) bool {
	closes, count := s.closes.Load(), s.count.Load()
	switch {
	case closes == 0 || int64(now) < closes:
		return false
	case int64(now) < closes+int64(longest):
		return count >= s.need.Load()
	}
	return count >= some
}

// mean returns the mean latency in nanoseconds. It is one at least: a clock that stands
// still during a call, as a coarse one does, must not make the call infinitely fast.
func (s *samples) mean() float64 {
	return max(1, float64(s.sum.Load())/float64(max(1, s.count.Load())))
}
