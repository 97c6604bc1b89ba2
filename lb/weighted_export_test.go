package lb

import (
	"math/bits"
	"slices"
)

// Intervals returns the ends of the intervals of these weights, and whose a number is:
// by the buckets, and by the ends alone.
func Intervals(weights []float64) (ends []uint64, owners func(x uint64) (quick, plain int)) {
	s := newShares(weights)
	return s.ends, func(x uint64) (quick, plain int) {
		hi, lo := bits.Mul64(x, uint64(len(s.buckets)))
		plain, _ = slices.BinarySearch(s.ends, hi<<32|lo>>32)
		return s.at(x), plain
	}
}
