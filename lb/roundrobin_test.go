package lb_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dowelkit/dowel/lb"
)

func TestRemainderIsExact(t *testing.T) {
	check := func(k, n uint32) {
		if got := lb.Remainder(k, int(n)); got != int(k%n) {
			t.Fatalf("%d mod %d is %d, not %d", k, n, k%n, got)
		}
	}
	for n := uint32(1); n <= 300; n++ {
		for k := range 2 * n {
			check(k, n)
			check(math.MaxUint32-k, n)
		}
	}
	for range 100_000 {
		n := 1 + rand.Uint32()>>(rand.Uint32()%32)>>1
		multiple := rand.Uint32() / n * n
		check(multiple, n)
		check(multiple-1, n)
		check(rand.Uint32(), n)
	}
}
