package lbsim

import (
	"reflect"
	"time"
)

// sizes remembers the last quantile of a distribution for all stations that have it:
// whoever knows everything asks each of them about the same call.
type sizes struct {
	dist Dist
	u    float64
	size time.Duration
}

func (s *sizes) of(u float64) time.Duration {
	if u != s.u {
		s.u, s.size = u, s.dist.Quantile(u)
	}
	return s.size
}

// sizesOf returns those of d among all, or new ones.
func sizesOf(d Dist, all []*sizes) *sizes {
	if reflect.ValueOf(d).Comparable() {
		for _, s := range all {
			if s.dist == d {
				return s
			}
		}
	}
	return &sizes{dist: d, u: -1}
}
