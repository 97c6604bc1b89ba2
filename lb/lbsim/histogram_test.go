package lbsim_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb/lbsim"
)

func TestHistogramAgreesWithSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all, left, right lbsim.Histogram
	var values []time.Duration
	for i := range 20_000 {
		d := time.Duration(math.Exp(r.Float64() * 42)) // to 40 years
		values = append(values, d)
		all.Add(d)
		if i%3 == 0 {
			left.Add(d)
		} else {
			right.Add(d)
		}
	}
	left.Merge(&right)
	slices.Sort(values)
	for _, q := range []float64{0, 0.001, 0.1, 0.5, 0.99, 0.999, 1} {
		i := min(int(q*20_000), 19_999)
		want, got := float64(values[i]), float64(all.Quantile(q))
		if math.Abs(got-want) > 0.004*want+1 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
		if left.Quantile(q) != all.Quantile(q) {
			t.Errorf("quantile %v is %v when merged, want %v", q, left.Quantile(q), all.Quantile(q))
		}
	}
	if all.Max() != values[19_999] || left.Max() != all.Max() || left.Count() != 20_000 {
		t.Errorf("max %v, %v merged, of %d", all.Max(), left.Max(), left.Count())
	}
	near(t, "the mean", float64(left.Mean()), float64(all.Mean()), 1e-9)
}

func TestHistogramEdges(t *testing.T) {
	var h lbsim.Histogram
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Count() != 0 {
		t.Error("the zero value is not empty")
	}
	h.Merge(new(lbsim.Histogram))
	if !reflect.DeepEqual(h, lbsim.Histogram{}) {
		t.Error("nothing and nothing is something")
	}
	for _, d := range []time.Duration{-1, 0, 1, 255, 256, 511, 512, math.MaxInt64} {
		var h lbsim.Histogram
		h.Add(d)
		if got := h.Quantile(0.5); got != max(d, 0) {
			t.Errorf("%d alone is counted as %d", d, got)
		}
	}
}

func TestDistributions(t *testing.T) {
	for _, tt := range []struct {
		dist lbsim.Dist
		u    float64
		want time.Duration
	}{
		{lbsim.Constant(5), 0.7, 5},
		{lbsim.Exponential(time.Second), 0, 0},
		{lbsim.Exponential(time.Second), 0.5, 693147180},
		{lbsim.LogNormal{Median: time.Second, Sigma: 2}, 0.5, time.Second},
		{lbsim.LogNormal{Median: time.Second, Sigma: 1}, 0.8413447460685429, 2718281828},
		{lbsim.Empirical{10, 20, 40}, 0, 10},
		{lbsim.Empirical{10, 20, 40}, 0.25, 15},
		{lbsim.Empirical{10, 20, 40}, 0.75, 30},
		{lbsim.Empirical{10}, 0.9, 10},
	} {
		if got := tt.dist.Quantile(tt.u); math.Abs(float64(got-tt.want)) > 2 {
			t.Errorf("%#v at %v is %d, want %d", tt.dist, tt.u, got, tt.want)
		}
	}
	if got := (lbsim.LogNormal{Median: time.Second, Sigma: 1}).Quantile(0); got <= 0 {
		t.Errorf("the least of a log-normal is %v", got)
	}
}
