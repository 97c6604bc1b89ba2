package lb

import (
	"math"
	"math/bits"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// weightOf returns an instance's weight as strategies use it: see sd.Instance.
func weightOf(n *sd.Node) float64 { return float64(max(1, n.Instance().Weight)) }

// weightsOf returns the weights of the nodes, or nil if all are the same, so that
// those who have none to tell apart do not pay for it.
func weightsOf(nodes []*sd.Node) []float64 {
	differs := func(n *sd.Node) bool { return weightOf(n) != weightOf(nodes[0]) }
	if !slices.ContainsFunc(nodes, differs) {
		return nil
	}
	weights := make([]float64, len(nodes))
	for i, n := range nodes {
		weights[i] = weightOf(n)
	}
	return weights
}

// shares maps the numbers of 64 bits to indices, each index to one interval whose
// length is in proportion to its weight. It cuts the numbers into buckets, twice as
// many as there are intervals, and a bucket knows the interval of its first number
// and where that ends: a number is found by one look at 8 bytes, as in a guide table
// (Chen and Asau, "On Generating Random Variates from an Empirical Distribution",
// AIIE Transactions 6(2), 1974) that has the ends in it. Only in a crowded bucket,
// which has more than one end, they are searched: one with k ends costs log₂(k+1)
// steps, by Jensen's inequality at most log₂ 1.5 in the mean over all buckets,
// whatever the weights; the worst case is log₂ n.
type shares struct {
	buckets []bucket
	ends    []uint64 // the last place of each interval, ascending; a bucket has 2³² places
}

// bucket is some part of the numbers. If it is crowded, end is of no use.
type bucket struct {
	first uint32 // the interval of its first place, and whether it is crowded
	end   uint32 // the last place of that interval, or of the bucket
}

// crowded is what a bucket's first is marked with if a second interval ends before
// the bucket does.
const crowded = 1 << 31

// fewestBuckets is so that a small set, too, has places enough for weights that are
// far apart: 2³⁸.
const fewestBuckets = 64

func newShares(weights []float64) *shares {
	n := len(weights)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	s := &shares{make([]bucket, max(fewestBuckets, 2*n)), make([]uint64, n)}
	places := uint64(len(s.buckets)) << 32
	sum := 0.0
	for i, w := range weights {
		sum += w
		// However small its weight, an interval has at least one place.
		least, most := uint64(1), places-uint64(n-1-i)
		if i > 0 {
			least = s.ends[i-1] + 2
		}
		s.ends[i] = min(max(least, uint64(math.Round(sum/total*float64(places)))), most) - 1
	}
	s.ends[n-1] = places - 1
	s.fill()
	return s
}

// fill makes the buckets for the ends.
func (s *shares) fill() {
	i := 0
	for b := range s.buckets {
		start := uint64(b) << 32
		for s.ends[i] < start {
			i++
		}
		last := start + math.MaxUint32
		s.buckets[b] = bucket{uint32(i), uint32(min(s.ends[i], last) - start)}
		if s.ends[i] < last && s.ends[i+1] < last {
			s.buckets[b].first |= crowded
		}
	}
}

// at returns the index in whose interval x is.
func (s *shares) at(x uint64) int {
	b, place := bits.Mul64(x, uint64(len(s.buckets)))
	place >>= 32
	in := s.buckets[b]
	if in.first&crowded != 0 {
		return s.search(b, place)
	}
	// One more beyond the end, without a branch: nobody could predict it.
	return int(in.first) + int((uint64(in.end)-place)>>63)
}

// search is at for a crowded bucket, kept apart so that at is inlined.
//
//go:noinline
func (s *shares) search(b, place uint64) int {
	lo, hi := int(s.buckets[b].first&^crowded), len(s.ends)-1
	if b+1 < uint64(len(s.buckets)) {
		hi = int(s.buckets[b+1].first &^ crowded)
	}
	place |= b << 32
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if place <= s.ends[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// two returns two different indices from one random number. The first is drawn by
// weight, the second too unless that would be the first again: then it is any.
func (s *shares) two(r uint64) (i, j int) {
	// The low half decides the second. Its bits come again below it, so that
	// intervals of less than 1 in 2³² are reached.
	i, j = s.at(r), s.at(r<<32|r>>32)
	if i == j {
		n := uint64(len(s.ends))
		hop, _ := bits.Mul64(r*golden, n-1)
		j = i + 1 + int(hop)
		if j >= int(n) {
			j -= int(n)
		}
	}
	return i, j
}
