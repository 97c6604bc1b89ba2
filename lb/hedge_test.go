package lb_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// turn is what one attempt does: it takes so long, unless it is canceled, and then
// gives the error.
type turn struct {
	takes time.Duration
	err   error
}

// turns answers with the attempt's number; the attempts take the turns in the order
// in which they come.
func turns(list ...turn) (endpoint.Endpoint[string, int], *atomic.Int32) {
	calls := new(atomic.Int32)
	return func(ctx context.Context, _ string) (int, error) {
		turn := list[calls.Add(1)-1]
		select {
		case <-time.After(turn.takes):
			return call.From(ctx).Attempt(), turn.err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, calls
}

const second = time.Second

func TestHedgeTakesTheFirstSuccess(t *testing.T) {
	for _, tt := range []struct {
		name  string
		turns []turn
		opts  []lb.HedgeOption
		got   int // the attempt whose response is returned
		code  endpoint.Code
		after time.Duration
		calls int32
	}{
		{"no need", []turn{{second / 2, nil}}, nil, 1, endpoint.OK, second / 2, 1},
		{"the second wins", []turn{{9 * second, nil}, {second, nil}}, nil, 2, endpoint.OK, 2 * second, 2},
		{"the first wins", []turn{{2 * second, nil}, {9 * second, nil}}, nil, 1, endpoint.OK, 2 * second, 2},
		{"a failure does not win", []turn{{5 * second, nil}, {0, unavailable}}, nil, 1, endpoint.OK, 5 * second, 2},
		{"nor that of the first", []turn{{2 * second, unavailable}, {5 * second, nil}}, nil, 2, endpoint.OK, 6 * second, 2},
		{"nor a rejection", []turn{{2 * second, exhausted}, {5 * second, nil}}, nil, 2, endpoint.OK, 6 * second, 2},
		{"nor what was not processed", []turn{{5 * second, nil}, {0, &endpoint.Error{Code: endpoint.NotFound, NotProcessed: true}}},
			nil, 1, endpoint.OK, 5 * second, 2},
		{"nor what somebody between canceled", []turn{{5 * second, nil}, {0, &endpoint.Error{Code: endpoint.Canceled}}},
			nil, 1, endpoint.OK, 5 * second, 2},
		{"an answer is no failure", []turn{{5 * second, nil}, {0, notFound}}, nil, 0, endpoint.NotFound, second, 2},
		{"a fast failure is not hedged", []turn{{second / 2, unavailable}}, nil, 0, endpoint.Unavailable, second / 2, 1},
		{"both fail", []turn{{2 * second, unavailable}, {2 * second, exhausted}}, nil, 0, endpoint.ResourceExhausted, 3 * second, 2},
		{"no budget", []turn{{9 * second, nil}}, []lb.HedgeOption{lb.HedgeBudget(empty())}, 1, endpoint.OK, 9 * second, 1},
		{"no budget hides no error", []turn{{9 * second, notFound}}, []lb.HedgeOption{lb.HedgeBudget(empty())},
			0, endpoint.NotFound, 9 * second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next, calls := turns(tt.turns...)
				start := time.Now()
				got, err := lb.Hedge(next, append(tt.opts, lb.HedgeAfter(second))...)(t.Context(), "")
				if endpoint.CodeOf(err) != tt.code || err == nil && got != tt.got ||
					time.Since(start) != tt.after || calls.Load() != tt.calls {
					t.Errorf("%d, %v after %v and %d calls", got, err, time.Since(start), calls.Load())
				}
			})
		})
	}
}

// empty returns a budget that is used up.
func empty() *lb.Budget {
	b := lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(1))
	fail := func(context.Context, string) (int, error) { return 0, notProcessed }
	_, _ = lb.Retry(fail, lb.MaxAttempts(2), lb.RetryBudget(b))(context.Background(), "")
	return b
}

func TestHedgeKeepsEveryError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, fast := errors.New("slow"), errors.New("fast")
		next, _ := turns(turn{2 * second, slow}, turn{second / 2, fast})
		_, err := lb.Hedge(next, lb.HedgeAfter(second))(t.Context(), "")
		re, ok := errors.AsType[*lb.RetryError](err)
		if !ok || !slices.Equal(re.Attempts, []error{fast, slow}) || re.Stop != nil || !errors.Is(err, fast) || !errors.Is(err, slow) {
			t.Errorf("error is %v", err)
		}
		next, _ = turns(turn{2 * second, notFound}, turn{second / 2, fast})
		_, err = lb.Hedge(next, lb.HedgeAfter(second))(t.Context(), "")
		if endpoint.CodeOf(err) != endpoint.NotFound || !errors.Is(err, fast) {
			t.Errorf("error is %v, not first the answer and then the failure", err)
		}
	})
}

func TestHedgeHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, cancel := context.WithCancel(t.Context())
		cancel()
		next, calls := turns()
		if _, err := lb.Hedge(next, lb.HedgeAfter(second))(done, ""); !errors.Is(err, context.Canceled) || calls.Load() != 0 {
			t.Errorf("a done context: %v, %d calls", err, calls.Load())
		}
		// The deadline comes before the second attempt would.
		next, calls = turns(turn{9 * second, nil})
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		if _, err := lb.Hedge(next, lb.HedgeAfter(second))(ctx, ""); !errors.Is(err, context.DeadlineExceeded) || calls.Load() != 1 {
			t.Errorf("a short deadline: %v, %d calls", err, calls.Load())
		}
		// The caller gives up on both.
		next, calls = turns(turn{9 * second, nil}, turn{9 * second, nil})
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(2*second, cancel)
		start := time.Now()
		_, err := lb.Hedge(next, lb.HedgeAfter(second))(ctx, "")
		if endpoint.CodeOf(err) != endpoint.Canceled || calls.Load() != 2 || time.Since(start) != 2*second {
			t.Errorf("given up: %v after %v and %d calls", err, time.Since(start), calls.Load())
		}
	})
}

// What the loser says must not reach its instance's statistics as a fault, whichever
// of the two it is.
func TestHedgeLoserIsCanceled(t *testing.T) {
	for loser, list := range [][]turn{{{9 * second, nil}, {second, nil}}, {{3 * second, nil}, {9 * second, nil}}} {
		synctest.Test(t, func(t *testing.T) {
			next, _ := turns(list...)
			var lost []int
			watched := func(ctx context.Context, req string) (int, error) {
				n, err := next(ctx, req)
				if err != nil && ctx.Err() == context.Canceled && !endpoint.Fault(ctx, err) {
					lost = append(lost, call.From(ctx).Attempt()-1)
				}
				return n, err
			}
			if _, err := lb.Hedge(watched, lb.HedgeAfter(second))(t.Context(), ""); err != nil || !slices.Equal(lost, []int{loser}) {
				t.Errorf("lost: %v, want %d; error %v", lost, loser, err)
			}
		})
	}
}

// slowOn answers with the instance, and takes long on those listed.
func slowOn(takes time.Duration, slow ...string) reply {
	return func(ctx context.Context, id, _ string) (string, error) {
		if !slices.Contains(slow, id) {
			return id, nil
		}
		select {
		case <-time.After(takes):
			return id, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// first is a strategy that always prefers the first instance.
type first struct{}

func (first) Picker([]*sd.Node, lb.Picker) lb.Picker  { return first{} }
func (first) Pick(context.Context, time.Duration) int { return 0 }

func TestHedgeGoesToAnotherInstance(t *testing.T) {
	e, _ := endpointer(t, instances(2), slowOn(time.Minute, "i0000"))
	hedged := lb.Hedge(lb.Endpoint(lb.New(e, first{}), (*client).Call), lb.HedgeAfter(time.Millisecond))
	ctx, record := call.Observe(t.Context())
	got, err := hedged(ctx, "")
	if got != "i0001" || err != nil || record.Attempts() != 2 || record.Instance() != "i0001" {
		t.Errorf("got %q, %v; %d attempts, the last at %q", got, err, record.Attempts(), record.Instance())
	}
	for _, n := range e.Set().Nodes() {
		if n.InFlight() != 0 {
			t.Errorf("%s has %d in flight", n.Instance().ID, n.InFlight())
		}
	}
}

func TestHedgeRecordsTheInstanceThatWon(t *testing.T) {
	release := make(chan struct{})
	e, _ := endpointer(t, instances(2), func(ctx context.Context, id, _ string) (string, error) {
		if id == "i0000" {
			<-release
			return id, nil
		}
		close(release) // the second attempt was made, and now loses
		<-ctx.Done()
		return "", ctx.Err()
	})
	hedged := lb.Hedge(lb.Endpoint(lb.New(e, first{}), (*client).Call), lb.HedgeAfter(time.Millisecond))
	ctx, record := call.Observe(t.Context())
	got, err := hedged(ctx, "")
	if got != "i0000" || err != nil || record.Attempts() != 2 || record.Instance() != "i0000" {
		t.Errorf("got %q, %v; %d attempts, won by %q", got, err, record.Attempts(), record.Instance())
	}
}

func TestHedgeLeavesAMarkedCallToTheHopBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := carrier{}
		new(call.Propagator).Inject(call.With(t.Context(), call.Attempt(2, nil)), header)
		in, cancel := new(call.Propagator).Extract(t.Context(), header)
		defer cancel()
		next, calls := turns(turn{9 * second, nil})
		if _, err := lb.Hedge(next, lb.HedgeAfter(second))(in, ""); err != nil || calls.Load() != 1 {
			t.Errorf("%d calls, error %v", calls.Load(), err)
		}
	})
}

func TestHedgeReportsEachHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, _ := turns(turn{9 * second, nil}, turn{second, nil}, turn{0, nil})
		var got []int
		hedged := lb.Hedge(next, lb.HedgeAfter(second), lb.OnHedge(func(ctx context.Context) {
			got = append(got, call.From(ctx).Attempt())
		}))
		for range 2 {
			_, _ = hedged(t.Context(), "")
		}
		if !slices.Equal(got, []int{2}) {
			t.Errorf("reported %v", got)
		}
	})
}

func TestHedgeConcurrentSafe(t *testing.T) {
	var calls, running atomic.Int64
	hedged := lb.Hedge(func(ctx context.Context, n int) (int, error) {
		running.Add(1)
		defer running.Add(-1)
		if calls.Add(1)%3 == 0 {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(3 * time.Millisecond):
			}
		}
		return n, nil
	}, lb.HedgeAfter(100*time.Microsecond), lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(1))))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 100 {
				if got, err := hedged(t.Context(), n); got != n || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, n)
				}
			}
		})
	}
	wg.Wait()
	if n := running.Load(); n != 0 {
		t.Errorf("%d attempts outlive their calls", n)
	}
}
