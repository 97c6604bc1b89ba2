package lb

import (
	"math"
	"math/bits"

	"github.com/dowelkit/dowel/sd"
)

// weightOf returns an instance's weight as strategies use it: see sd.Instance.
func weightOf(n *sd.Node) float64 { return float64(max(1, n.Instance().Weight)) }

// weightsOf returns the weights of the nodes, or nil if all are the same, so that
// those who have none to tell apart do not pay for it.
func weightsOf(nodes []*sd.Node) []float64 {
	weights := make([]float64, len(nodes))
	equal := true
	for i, n := range nodes {
		weights[i] = weightOf(n)
		equal = equal && weights[i] == weights[0]
	}
	if equal {
		return nil
	}
	return weights
}

// shares maps the numbers of 64 bits to indices, each index to one interval whose
// length is in proportion to its weight. To find the interval of a number it looks
// in a guide table of at least as many entries as there are intervals (Chen and
// Asau, "On Generating Random Variates from an Empirical Distribution", AIIE
// Transactions 6(2), 1974) and then searches among the ends in that entry. Entry
// b with k ends costs log₂(k+1) steps, and by Jensen's inequality the mean over
// all entries is at most 1 step, whatever the weights; the worst case is log₂ n.
type shares struct {
	ends  []uint64 // the last number of each interval, ascending
	guide []uint32 // per entry, the interval of its first number; one more at the end
	shift uint     // a number's entry is what is left of it after this shift
}

func newShares(weights []float64) *shares {
	n := len(weights)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	s := &shares{ends: make([]uint64, n)}
	sum := 0.0
	for i, w := range weights {
		sum += w
		// However small its weight, an interval has at least one number.
		least, most := uint64(i), math.MaxUint64-uint64(n-1-i)
		if i > 0 {
			least = s.ends[i-1] + 1
		}
		s.ends[i] = most
		if end := math.Ldexp(sum/total, 64); end < 1<<64 {
			s.ends[i] = min(max(least, uint64(end)), most)
		}
	}
	s.ends[n-1] = math.MaxUint64
	s.index()
	return s
}

// index makes the guide table.
func (s *shares) index() {
	entries := 1 << bits.Len(uint(len(s.ends)))
	s.shift = uint(64 - bits.TrailingZeros(uint(entries)))
	s.guide = make([]uint32, entries+1)
	i := uint32(0)
	for b := range entries {
		for s.ends[i] < uint64(b)<<s.shift {
			i++
		}
		s.guide[b] = i
	}
	s.guide[entries] = uint32(len(s.ends) - 1)
}

// at returns the index in whose interval x is.
func (s *shares) at(x uint64) int {
	b := x >> s.shift
	lo, hi := s.guide[b], s.guide[b+1]
	for lo < hi {
		mid := (lo + hi) / 2
		if x <= s.ends[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return int(lo)
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
