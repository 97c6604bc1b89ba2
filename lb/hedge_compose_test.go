package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// seen is what the attempts knew of themselves: number, instances avoided of a, b, c, d.
type seen struct {
	sync.Mutex
	list []string
}

func (s *seen) add(ctx context.Context) {
	s.Lock()
	defer s.Unlock()
	c := call.From(ctx)
	text := fmt.Sprint(c.Attempt())
	for _, id := range []string{"a", "b", "c", "d"} {
		if c.Avoided(id) {
			text += id
		}
	}
	s.list = append(s.list, text)
}

// stations asks the instances a, b, c and d in turn, which fail after as long as it
// says for each; those beyond the list answer at once.
func stations(takes ...time.Duration) (endpoint.Endpoint[string, string], *seen) {
	s := new(seen)
	return func(ctx context.Context, _ string) (string, error) {
		s.add(ctx)
		s.Lock()
		n := len(s.list) - 1
		s.Unlock()
		id := string(rune('a' + n))
		call.From(ctx).Asked(&id, &id)
		if n >= len(takes) {
			return id, nil
		}
		select {
		case <-time.After(takes[n]):
		case <-ctx.Done():
		}
		return "", &endpoint.Error{Code: endpoint.Unavailable, Instance: id}
	}, s
}

func TestRetryRoundHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := lb.NewBudget()
		next, seen := stations(2*second, 2*second)
		both := lb.Retry(lb.Hedge(next, lb.HedgeAfter(second), lb.HedgeBudget(budget)), lb.Idempotent(), lb.RetryBudget(budget))
		got, err := both(t.Context(), "")
		if got != "c" || err != nil || !slices.Equal(seen.list, []string{"1", "2a", "3ab"}) {
			t.Errorf("%q, %v of %v", got, err, seen.list)
		}
	})
}

// A hedge of a later attempt carries on from it.
func TestHedgeOfARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, seen := stations(0, time.Minute)
		both := lb.Retry(lb.Hedge(next, lb.HedgeAfter(second)), lb.Idempotent())
		got, err := both(t.Context(), "")
		if got != "c" || err != nil || !slices.Equal(seen.list, []string{"1", "2a", "3ab"}) {
			t.Errorf("%q, %v of %v", got, err, seen.list)
		}
	})
}

func TestHedgeRoundRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := lb.NewBudget()
		// a fails at once, b hangs, the hedge goes to c, which fails, and then to d.
		next, seen := stations(0, time.Minute, 0)
		both := lb.Hedge(lb.Retry(next, lb.Idempotent(), lb.RetryBudget(budget)), lb.HedgeAfter(2*second), lb.HedgeBudget(budget))
		ctx, record := call.Observe(t.Context())
		got, err := both(ctx, "")
		if got != "d" || err != nil || !slices.Equal(seen.list, []string{"1", "2a", "2b", "3bc"}) {
			t.Errorf("%q, %v of %v", got, err, seen.list)
		}
		if record.Attempts() != 4 || record.Instance() != "d" {
			t.Errorf("%d attempts, won by %q", record.Attempts(), record.Instance())
		}
	})
}

// The inner of the two does not deposit for the call a second time, nor for each of
// its attempts.
func TestHedgeAndRetryDepositOnce(t *testing.T) {
	for name, wrap := range map[string]func(e endpoint.Endpoint[string, int], b *lb.Budget) endpoint.Endpoint[string, int]{
		"Retry(Hedge)": func(e endpoint.Endpoint[string, int], b *lb.Budget) endpoint.Endpoint[string, int] {
			return lb.Retry(lb.Hedge(e, lb.HedgeAfter(second), lb.HedgeBudget(b)), lb.RetryBudget(b))
		},
		"Hedge(Retry)": func(e endpoint.Endpoint[string, int], b *lb.Budget) endpoint.Endpoint[string, int] {
			return lb.Hedge(lb.Retry(e, lb.RetryBudget(b)), lb.HedgeAfter(second), lb.HedgeBudget(b))
		},
		"Hedge": func(e endpoint.Endpoint[string, int], b *lb.Budget) endpoint.Endpoint[string, int] {
			return lb.Hedge(e, lb.HedgeAfter(second), lb.HedgeBudget(b))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := lb.NewBudget(lb.BudgetRatio(0.1), lb.BudgetRate(0), lb.BudgetBurst(100))
			time.Sleep(time.Minute) // what it began with is gone
			next, _ := replies(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
			both := wrap(next, b)
			for range 10 {
				_, _ = both(t.Context(), "")
			}
			if got := b.Balance(); got != 1 {
				t.Errorf("%s: ten calls deposit %v", name, got)
			}
			if name == "Hedge" {
				return
			}
			next, calls := replies(notProcessed, nil)
			if _, err := wrap(next, b)(t.Context(), ""); *calls != 2 || err != nil || b.Balance() != 0.1 {
				t.Errorf("%s: a retry leaves %v; %v", name, b.Balance(), err)
			}
		})
	}
}

// The retry-after of both attempts counts, whichever came last.
func TestRetryObeysTheLongestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := func(d time.Duration) error { return &endpoint.Error{Code: endpoint.ResourceExhausted, RetryAfter: d} }
		next, _ := turns(turn{2 * second, busy(20 * second)}, turn{2 * second, busy(second)}, turn{0, nil})
		start := time.Now()
		_, err := lb.Retry(lb.Hedge(next, lb.HedgeAfter(second)), lb.Idempotent())(t.Context(), "")
		if err != nil || time.Since(start) != 23*second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// All that failed is there, in a text that says what happened.
func TestErrorsOfRetryRoundHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, _ := stations(2*second, 2*second, 0, 0)
		_, err := lb.Retry(lb.Hedge(next, lb.HedgeAfter(second)), lb.Idempotent(), lb.MaxAttempts(3),
			lb.RetryBackoff(sd.Backoff{Base: 1, Cap: 1}))(t.Context(), "")
		for _, want := range []string{"3 attempts failed", "2 attempts failed", "instance a", "instance b", "instance c", "instance d"} {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
		if !errors.Is(err, lb.ErrAttempts) || endpoint.CodeOf(err) != endpoint.Unavailable {
			t.Errorf("error is %v", err)
		}
	})
}

// What this process refused was no load on anybody.
func TestHedgeRefusedHereCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true, Local: true}
		for _, tt := range []struct {
			err  error
			left float64
		}{{open, 5}, {unavailable, 4}, {nil, 4}} {
			b := lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(5))
			next, _ := turns(turn{2 * second, nil}, turn{second / 2, tt.err})
			if _, err := lb.Hedge(next, lb.HedgeAfter(second), lb.HedgeBudget(b))(t.Context(), ""); err != nil || b.Balance() != tt.left {
				t.Errorf("%v: %v, the budget is %v", tt.err, err, b.Balance())
			}
		}
	})
}

func TestHedgeBoundsTheExtraLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hedges := 0
		b := lb.NewBudget(lb.BudgetRatio(0.1), lb.BudgetRate(0), lb.BudgetBurst(10))
		hedged := lb.Hedge(sleep, lb.HedgeAfter(time.Millisecond), lb.HedgeBudget(b), lb.OnHedge(func(context.Context) { hedges++ }))
		for range 1000 {
			_, _ = hedged(t.Context(), 2*time.Millisecond)
		}
		if hedges < 105 || hedges > 110 {
			t.Errorf("%d hedges of 1,000 slow calls, 10 in a burst", hedges)
		}
	})
}

func TestUntroubledHedgeAllocations(t *testing.T) {
	answer := func(context.Context, string) (string, error) { return "", nil }
	ctx := t.Context()
	learning := lb.Hedge(func(context.Context, string) (string, error) { return "", unavailable })
	fixed := lb.Hedge(answer, lb.HedgeAfter(time.Minute))
	moving := lb.Hedge(answer, lb.HedgePercentile(0.95, time.Minute))
	for range 100 {
		_, _ = moving(ctx, "")
	}
	for _, tt := range []struct {
		name   string
		hedged endpoint.Endpoint[string, string]
		most   float64
	}{{"learning", learning, 0}, {"fixed", fixed, 4}, {"moving", moving, 4}} {
		if n := testing.AllocsPerRun(100, func() { _, _ = tt.hedged(ctx, "") }); n > tt.most {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}
