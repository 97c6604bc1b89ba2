package lbsim_test

import (
	"testing"
	"time"

	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/lb/lbsim"
)

// BenchmarkRun reports the time of one simulated call, its pick included.
func BenchmarkRun(b *testing.B) {
	for name, strategy := range map[string]lb.Strategy{
		"random": lb.Random(), "least request": lb.LeastRequest(), "omniscient": lbsim.Omniscient(),
	} {
		b.Run(name, func(b *testing.B) {
			s := one(10, lbsim.Server{Service: lbsim.Exponential(service), Concurrency: 4}, 2000)
			s.Duration = time.Duration(float64(b.N) / 2000 * 1e9)
			r, err := lbsim.Run(s, strategy, 1)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(r.Calls)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
