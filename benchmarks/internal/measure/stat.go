package measure

import "slices"

// quantile returns the value below which a share q of xs lies, 0 ≤ q ≤ 1, with
// linear interpolation between neighbours. xs must not be empty; it is not
// modified.
func quantile(xs []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func median(xs []float64) float64 { return quantile(xs, 0.5) }

// Ratio is the median of the ratios of neighbours, between their quartiles.
type Ratio struct{ Low, Mid, High float64 }

// ratio compares what was measured in the same round.
func ratio(ours, peer []float64) Ratio {
	rs := make([]float64, len(ours))
	for i := range ours {
		rs[i] = ours[i] / peer[i]
	}
	return Ratio{quantile(rs, 0.25), median(rs), quantile(rs, 0.75)}
}

// up returns r or its inverse, whichever is above 1.
func (r Ratio) up() Ratio {
	if r.Mid >= 1 {
		return r
	}
	return Ratio{1 / r.High, 1 / r.Mid, 1 / r.Low}
}
