package rows_test

import (
	"testing"

	"github.com/dowelkit/dowel/benchmarks/internal/rows"
)

// BenchmarkAll runs every contestant as an ordinary benchmark, for profiles:
//
//	go test -bench 'All/Retry.*/dowel$' -cpuprofile cpu.out
//
// The figures of two of them are minutes apart and not to be compared.
func BenchmarkAll(b *testing.B) {
	for _, g := range rows.All() {
		b.Run(g.Name, func(b *testing.B) {
			for _, c := range g.Contestants {
				b.Run(c.Name, func(b *testing.B) {
					loop, end, err := c.Open()
					if err != nil {
						b.Fatal(err)
					}
					if end != nil {
						defer end()
					}
					b.ReportAllocs()
					b.ResetTimer()
					if err := loop(b.N); err != nil { // the loop counts by itself
						b.Fatal(err)
					}
				})
			}
		})
	}
}
