package measure_test

import (
	"slices"
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/measure"
)

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		xs   []float64
		q    float64
		want float64
	}{
		{[]float64{7}, 0, 7},
		{[]float64{7}, 0.5, 7},
		{[]float64{7}, 1, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{5, 4, 3, 2, 1}, 0.25, 2},
		{[]float64{5, 4, 3, 2, 1}, 0.75, 4},
		{[]float64{5, 4, 3, 2, 1}, 1, 5},
		{[]float64{1, 2}, 0.25, 1.25},
		{[]float64{1, 1, 1, 1000}, 0.5, 1},
	} {
		before := slices.Clone(tt.xs)
		if got := measure.Quantile(tt.xs, tt.q); got != tt.want {
			t.Errorf("quantile %v of %v is %v, want %v", tt.q, tt.xs, got, tt.want)
		}
		if !slices.Equal(tt.xs, before) {
			t.Errorf("%v became %v", before, tt.xs)
		}
	}
}

// The machine gets ten times slower half-way: the medians of the two would be no
// use, and the ratio of neighbours does not care.
func TestRatioIsThatOfNeighbours(t *testing.T) {
	ours := []float64{1, 1, 1, 10, 10, 10}
	peer := []float64{2, 2, 4, 20, 20, 40}
	if got := measure.RatioOf(ours, peer); got != (measure.Ratio{Low: 0.3125, Mid: 0.5, High: 0.5}) {
		t.Errorf("ratio is %+v", got)
	}
}
