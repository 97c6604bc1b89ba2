package lbsim

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width is below 0.4 % of their value,
// after HdrHistogram: 256 linear ones to each power of two. Its zero value is
// empty. It is not safe for concurrent use.
type Histogram struct {
	counts   []uint64
	n        uint64
	sum      float64
	min, max time.Duration
}

const (
	linear  = 256 // buckets to a power of two
	buckets = (63 - 8 + 1) * linear
)

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	e := max(bits.Len64(v)-9, 0)
	return e*linear + int(v>>e)
}

// middle returns the value in the middle of a bucket.
func middle(i int) time.Duration {
	e := max(i/linear-1, 0)
	return time.Duration(uint64(i-e*linear)<<e + uint64(1)<<e/2)
}

// Add counts one duration. Less than zero counts as zero.
func (h *Histogram) Add(d time.Duration) {
	if h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	d = max(d, 0)
	if h.n == 0 || d < h.min {
		h.min = d
	}
	h.max = max(h.max, d)
	h.counts[bucket(d)]++
	h.n++
	h.sum += float64(d)
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	if o.n == 0 {
		return
	}
	if h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	if h.n == 0 || o.min < h.min {
		h.min = o.min
	}
	h.max = max(h.max, o.max)
	h.n += o.n
	h.sum += o.sum
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.n }

// Mean returns the mean, or zero if there is nothing.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.sum / float64(max(h.n, 1))) }

// Max returns the greatest.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the duration that the share q of all does not exceed, to a
// bucket, or zero if there is nothing.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n))
	rank = min(rank, max(h.n, 1)-1)
	for i, n := range h.counts {
		if rank >= n {
			rank -= n
			continue
		}
		if i == bucket(h.max) {
			return h.max // so that a timeout is exact
		}
		return max(middle(i), h.min)
	}
	return 0
}
