package lb_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/dowelkit/dowel/lb"
)

// Several that take at once get as many as there are, however their tokens are split: that
// each has a part of the last one is no reason to deny it to all.
func TestBudgetGivesAllThatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that nothing expires
		const takers, rounds = 2, 5000
		var budgets [rounds]*lb.Budget
		var took [rounds]atomic.Int64
		for i := range budgets {
			budgets[i] = lb.SplitBudget(rand.Int64N(1000), rand.Int64N(1000), rand.Int64N(1000))
		}
		before := make([]float64, rounds)
		for i, b := range budgets {
			before[i] = b.Balance()
		}
		var wg sync.WaitGroup
		var arrived atomic.Int64
		for range takers {
			wg.Go(func() {
				for i, b := range budgets {
					arrived.Add(1)
					for n := 0; arrived.Load() < int64(takers*(i+1)) && n < 20_000; n++ { // but not for ever on one processor
					}
					if lb.Withdraw(b) {
						took[i].Add(1)
					}
				}
			})
		}
		wg.Wait()
		for i := range budgets {
			if got := took[i].Load(); got != min(takers, int64(before[i])) {
				t.Fatalf("round %d: %d of %.3f", i, got, before[i])
			}
		}
	})
}
