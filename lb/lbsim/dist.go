package lbsim

import (
	"math"
	"time"
)

// Dist is a distribution of service times, given by its quantile function: u is
// uniform in [0, 1). A call has the same u for whichever strategy it is balanced
// by, so that strategies are compared on the same work.
type Dist interface {
	Quantile(u float64) time.Duration
}

// Constant is the same service time for every call.
type Constant time.Duration

// Quantile returns c, whatever u is.
func (c Constant) Quantile(float64) time.Duration { return time.Duration(c) }

// Exponential is the memoryless distribution with this mean.
type Exponential time.Duration

// Quantile returns -mean·ln(1-u).
func (e Exponential) Quantile(u float64) time.Duration {
	return time.Duration(-float64(e) * math.Log1p(-u))
}

// LogNormal is a distribution whose logarithm is normal around that of Median
// with standard deviation Sigma. For a small Sigma the standard deviation is about
// Sigma·Median.
type LogNormal struct {
	Median time.Duration
	Sigma  float64
}

// Quantile returns Median·exp(Sigma·z), where z is the normal quantile of u.
func (l LogNormal) Quantile(u float64) time.Duration {
	// The smallest u that is drawn is 2⁻⁵³; zero itself would be minus infinity.
	z := math.Sqrt2 * math.Erfinv(2*max(u, 0x1p-54)-1)
	return time.Duration(float64(l.Median) * math.Exp(l.Sigma*z))
}

// Empirical is a recorded distribution: its quantiles at equal distances, the
// minimum first and the maximum last, in ascending order. Between two of them it
// is interpolated linearly. It must not be empty.
type Empirical []time.Duration

// Quantile interpolates.
func (e Empirical) Quantile(u float64) time.Duration {
	at := u * float64(len(e)-1)
	i := int(at)
	if i+1 >= len(e) {
		return e[len(e)-1]
	}
	return e[i] + time.Duration((at-float64(i))*float64(e[i+1]-e[i]))
}
