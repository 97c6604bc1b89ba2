package lb_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
)

// Whatever the latencies, the percentile is that of the sorted list, up to a
// sixteenth more.
func TestPercentileIsThatOfTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		share := 0.5 + 0.499*random.Float64()
		list := make([]time.Duration, int(math.Ceil(2/(1-share)))+random.IntN(500))
		for i := range list {
			list[i] = time.Duration(math.Exp(random.Float64()*25) + 1) // 1 ns to 72 s
		}
		got := lb.Percentile(share, list)
		slices.Sort(list)
		want := list[int(math.Ceil(float64(len(list))*share))-1]
		if got < want || got > want+want/16+2*time.Microsecond {
			t.Fatalf("%v of %d latencies is %v, want %v", share, len(list), got, want)
		}
	}
}

func TestPercentileOfTheExtremes(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		math.MinInt64: 1 << 10, 0: 1 << 10, math.MaxInt64: 1 << 37, // the ends of the first bucket and the last
	} {
		if got := lb.Percentile(0.95, slices.Repeat([]time.Duration{d}, 40)); got != want {
			t.Errorf("%v is taken for %v, want %v", d, got, want)
		}
	}
	if got := lb.Percentile(0.95, make([]time.Duration, 39)); got != 0 {
		t.Errorf("39 calls are too few, and give %v", got)
	}
}

func TestPercentileForgets(t *testing.T) {
	for _, tt := range []struct{ calls, periods, want, within float64 }{
		{40, 8, 1 / math.E, 0.03},
		{40, 100, 0, 0},
		{1, 100, 0.5, 0.1}, // rare calls are remembered for longer
	} {
		if got := lb.Remembered(int(tt.calls), int(tt.periods)); math.Abs(got-tt.want) > tt.within {
			t.Errorf("a call weighs %v after %v periods of %v calls, want %v", got, tt.periods, tt.calls, tt.want)
		}
	}
}

// A hedge follows the latency up and down, and does without until it knows enough.
func TestHedgeFollowsThePercentile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Duration
		hedged := lb.Hedge(sleep, lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(1), lb.BudgetBurst(1e6))),
			lb.OnHedge(func(ctx context.Context) { sent = append(sent, time.Since(began(ctx))) }))
		calls := func(n int, takes time.Duration) {
			for range n {
				_, _ = hedged(beginning(t.Context()), takes)
			}
		}
		after := func() time.Duration {
			sent = nil
			if calls(1, time.Minute); len(sent) == 0 {
				return 0
			}
			return sent[0]
		}
		if calls(20, 10*time.Millisecond); after() != 0 {
			t.Error("hedged after 20 calls")
		}
		calls(40, 10*time.Millisecond)
		if got := after(); got < 10*time.Millisecond || got > 11*time.Millisecond {
			t.Errorf("10 ms: hedged after %v", got)
		}
		calls(1000, 100*time.Millisecond)
		if got := after(); got < 100*time.Millisecond || got > 107*time.Millisecond {
			t.Errorf("100 ms: hedged after %v", got)
		}
		calls(8000, 2*time.Millisecond)
		if got := after(); got < 2*time.Millisecond || got > 2200*time.Microsecond {
			t.Errorf("2 ms: hedged after %v", got)
		}
	})
}

// Where calls are rare, more of them are remembered, rather than too few.
func TestHedgeOfRareCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := time.Duration(0)
		hedged := lb.Hedge(sleep, lb.OnHedge(func(ctx context.Context) { sent = time.Since(began(ctx)) }))
		for range 300 {
			time.Sleep(2 * time.Second)
			_, _ = hedged(beginning(t.Context()), 10*time.Millisecond)
		}
		for range 300 {
			time.Sleep(2 * time.Second)
			_, _ = hedged(beginning(t.Context()), 100*time.Millisecond)
		}
		if _, _ = hedged(beginning(t.Context()), time.Minute); sent < 100*time.Millisecond || sent > 107*time.Millisecond {
			t.Errorf("hedged after %v", sent)
		}
	})
}

func TestHedgeNotBeforeTheLeastDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hedged := lb.Hedge(sleep, lb.HedgePercentile(0.9, 50*time.Millisecond), lb.OnHedge(func(ctx context.Context) {
			if got := time.Since(began(ctx)); got != 50*time.Millisecond {
				t.Errorf("hedged after %v", got)
			}
		}))
		for range 100 {
			_, _ = hedged(t.Context(), time.Millisecond)
		}
		if n, err := hedged(beginning(t.Context()), 70*time.Millisecond); n != 1 || err != nil {
			t.Errorf("attempt %d won, %v", n, err)
		}
	})
}

// sleep answers after so long, or when it is canceled.
func sleep(ctx context.Context, takes time.Duration) (int, error) {
	select {
	case <-time.After(takes):
		return call.From(ctx).Attempt(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

type beginKey struct{}

func beginning(ctx context.Context) context.Context {
	return context.WithValue(ctx, beginKey{}, time.Now())
}

func began(ctx context.Context) time.Time { return ctx.Value(beginKey{}).(time.Time) }

// Losers are cut short by their hedges. If they were not counted, the percentile
// would fall to that of the rest, and so on.
func TestHedgeDoesNotDriveItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		hedges := 0
		hedged := lb.Hedge(func(ctx context.Context, _ string) (int, error) {
			if call.From(ctx).Attempt() > 1 {
				return 2, nil
			}
			return sleep(ctx, 10*time.Millisecond+time.Duration(random.Int64N(1e8)))
		}, lb.HedgePercentile(0.8, time.Millisecond), lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(1), lb.BudgetBurst(1e6))),
			lb.OnHedge(func(context.Context) { hedges++ }))
		const calls = 5000
		for range calls {
			_, _ = hedged(t.Context(), "")
		}
		if share := float64(hedges) / calls; share < 0.12 || share > 0.22 {
			t.Errorf("%.1f %% of the calls are hedged", 100*share)
		}
	})
}

// However many calls fail fast, the percentile stays; and it is not learned from them.
func TestHedgeLearnsNothingFromFastFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failure error
		hedges := 0
		hedged := lb.Hedge(func(ctx context.Context, takes time.Duration) (int, error) {
			if n, err := sleep(ctx, takes); err != nil {
				return n, err
			}
			return 0, failure
		}, lb.OnHedge(func(context.Context) { hedges++ }))
		calls := func(n int, takes time.Duration, err error) {
			failure = err
			for range n {
				_, _ = hedged(t.Context(), takes)
			}
		}
		calls(1000, time.Millisecond, unavailable)
		if calls(1, time.Minute, nil); hedges != 0 {
			t.Error("the percentile was learned from failures")
		}
		calls(100, 50*time.Millisecond, nil)
		for _, err := range []error{unavailable, exhausted, notProcessed, errors.New("boom")} {
			calls(2000, time.Millisecond, err)
		}
		if calls(20, 49*time.Millisecond, nil); hedges != 0 {
			t.Error("fast failures lowered the percentile")
		}
	})
}

func TestPercentileConcurrentSafe(t *testing.T) {
	hedged := lb.Hedge(func(ctx context.Context, n int) (int, error) {
		if n%50 == 0 {
			return sleep(ctx, 2*time.Millisecond)
		}
		return n, nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 2000 {
				if _, err := hedged(t.Context(), n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
