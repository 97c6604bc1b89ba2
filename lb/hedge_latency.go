package lb

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// latencies knows a moving percentile of latencies. It is a histogram with 16 linear
// buckets per power of two, so that each is known to a sixteenth, as in Tene's
// HdrHistogram, of counters that lose an eighth of themselves each second, which
// gives what is 8 seconds old a weight of 1/e: an exponentially weighted window. If
// calls are rare a second's worth is not enough to forget the rest for, and a period
// lasts longer. It is lock-free: a call adds to one counter, and once per period one
// call looks at all of them.
type latencies struct {
	share  float64
	enough uint64       // weight below which nothing is known
	known  atomic.Int64 // nanoseconds, zero if nothing is known
	due    atomic.Int64 // nanoseconds since the epoch: when to look next
	left   uint64       // weight after the last decay; owned by whoever moved due to looking

	_       [64]byte // what all calls read, apart from what they write
	buckets [latencyBuckets]atomic.Uint64
}

const (
	latencyUnit    = 1 << 10 // of weight: a call, so that decay is precise for few
	latencyShift   = 10      // nanoseconds are counted in units of 2¹⁰, about a microsecond
	latencyLog     = 27      // 2²⁷ of those, about 137 s, are the most
	latencyBuckets = (latencyLog - 3) * 16
	latencyPeriod  = time.Second
	latencyLooking = math.MaxInt64
)

func newLatencies(share float64) *latencies {
	return &latencies{share: share, enough: uint64(math.Ceil(2/(1-share)-1e-9)) * latencyUnit}
}

// percentile returns the least time within which the share of calls was answered,
// rounded up to a bucket's end, or zero if too little is known.
func (l *latencies) percentile() time.Duration { return time.Duration(l.known.Load()) }

// observe adds one latency. now is the time since some epoch.
func (l *latencies) observe(d, now time.Duration) {
	l.buckets[latencyBucket(d)].Add(latencyUnit)
	if due := l.due.Load(); int64(now) >= due && l.due.CompareAndSwap(due, latencyLooking) {
		l.due.Store(int64(now + l.look()))
	}
}

// look finds the percentile and lets the counters decay. It returns when to look
// again. Only one call looks at a time.
func (l *latencies) look() time.Duration {
	var total uint64
	for i := range l.buckets {
		total += l.buckets[i].Load()
	}
	if total < l.enough {
		return latencyPeriod / 100
	}
	l.known.Store(int64(l.find(uint64(math.Ceil(float64(total) * l.share)))))
	if total-min(total, l.left) < l.enough/2 {
		return latencyPeriod
	}
	l.left = 0
	for i := range l.buckets {
		l.left += decay(&l.buckets[i])
	}
	return latencyPeriod
}

// find returns the end of the bucket in which the sum of the counters reaches rank.
func (l *latencies) find(rank uint64) time.Duration {
	var sum uint64
	last := 0
	for i := range l.buckets {
		n := l.buckets[i].Load()
		if sum += n; n > 0 {
			last = i
		}
		if sum >= rank {
			break
		}
	}
	return latencyEnd(last)
}

// decay takes an eighth off the counter, and all if that is less than a thousandth of
// a call. Calls that are added meanwhile are kept.
func decay(c *atomic.Uint64) (left uint64) {
	n := c.Load()
	lost := n / 8
	if lost == 0 {
		lost = n
	}
	if lost > 0 {
		c.Add(-lost)
	}
	return n - lost
}

func latencyBucket(d time.Duration) int {
	v := uint64(max(0, d)) >> latencyShift
	if v < 32 {
		return int(v)
	}
	v = min(v, 1<<latencyLog-1)
	shift := bits.Len64(v) - 5 // leaves 16 to 31
	return shift*16 + int(v>>shift)
}

// latencyEnd returns the least latency that is in none of the buckets up to i.
func latencyEnd(i int) time.Duration {
	if i < 32 {
		return time.Duration(i+1) << latencyShift
	}
	shift := i/16 - 1
	return time.Duration(i%16+17) << (shift + latencyShift)
}
