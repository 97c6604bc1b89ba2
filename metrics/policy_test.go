package metrics_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestRetries(t *testing.T) {
	m := newMeter(t)
	var counts lb.Attempts
	budget := lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(1))
	metrics.Retries(&counts, "orders", m.with)
	metrics.Budget(budget, "orders", m.with)
	m.want("dowel.retry.budget.balance", "dowel.name=orders: 1")
	e := lb.Retry(failing(&endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}),
		lb.RetryCountIn(&counts), lb.RetryBudget(budget))
	_, _ = e(t.Context(), "")
	m.want("dowel.retry.attempts", "dowel.name=orders: 1")
	m.want("dowel.retry.budget.balance", "dowel.name=orders: 0")
	m.want("dowel.retry.stopped_calls", "dowel.name=orders,dowel.reason=attempts: 0", "dowel.name=orders,dowel.reason=budget: 1",
		"dowel.name=orders,dowel.reason=context: 0", "dowel.name=orders,dowel.reason=final: 0",
		"dowel.name=orders,dowel.reason=marked: 0", "dowel.name=orders,dowel.reason=no_time: 0",
		"dowel.name=orders,dowel.reason=retry_after: 0")
	for _, name := range []string{"attempts", "won_attempts", "denied_attempts"} {
		m.want("dowel.hedge."+name, "dowel.name=orders: 0")
	}
}

func TestHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		var counts lb.Attempts
		metrics.Retries(&counts, "orders", m.with)
		e := lb.Hedge(func(ctx context.Context, wins string) (string, error) {
			second := call.From(ctx).Attempt() > 1
			switch {
			case wins == "first" && !second:
				time.Sleep(2 * time.Second)
				return "", nil
			case wins == "second" && second:
				return "", nil
			}
			<-ctx.Done()
			return "", ctx.Err()
		}, lb.HedgeAfter(time.Second), lb.HedgeCountIn(&counts),
			lb.HedgeBudget(lb.NewBudget(lb.BudgetRatio(0), lb.BudgetRate(0), lb.BudgetBurst(5))))
		for _, wins := range []string{"second", "first", "second", "first", "second", "first"} { // the last is denied
			if _, err := e(t.Context(), wins); err != nil {
				t.Error(err)
			}
		}
		m.want("dowel.hedge.attempts", "dowel.name=orders: 5")
		m.want("dowel.hedge.won_attempts", "dowel.name=orders: 3")
		m.want("dowel.hedge.denied_attempts", "dowel.name=orders: 1")
	})
}

func TestCircuitsOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		leave, end := context.WithCancel(t.Context())
		defer end()
		var all []*circuitbreaker.Circuit
		for i := range 3 {
			c := circuitbreaker.New(fmt.Sprint("instance ", i))
			all = append(all, c)
			metrics.Circuit(c, "orders", m.with, metrics.Until(leave))
			leave = t.Context() // the first alone
		}
		state := func(closed, forced int) {
			t.Helper()
			m.want("dowel.breaker.circuits", fmt.Sprintf("dowel.name=orders,dowel.state=closed: %d", closed),
				"dowel.name=orders,dowel.state=forced_closed: 0",
				fmt.Sprintf("dowel.name=orders,dowel.state=forced_open: %d", forced),
				"dowel.name=orders,dowel.state=half_open: 0", "dowel.name=orders,dowel.state=open: 0")
		}
		state(3, 0)
		for _, c := range all[:2] {
			c.Force(circuitbreaker.ForceOpen)
			_, _ = c.Allow()
		}
		state(1, 2)
		m.want("dowel.breaker.refused_calls", "dowel.name=orders: 2")
		end()
		synctest.Wait()
		state(1, 1)
		_, _ = all[0].Allow() // of which nobody hears
		m.want("dowel.breaker.refused_calls", "dowel.name=orders: 2")
	})
}

func TestThrottlersOfOneName(t *testing.T) {
	m := newMeter(t)
	busy, idle := circuitbreaker.NewThrottler("a"), circuitbreaker.NewThrottler("b")
	metrics.Throttler(busy, "orders", m.with)
	metrics.Throttler(idle, "orders", m.with)
	m.want("dowel.throttle.probability", "dowel.name=orders: 0")
	busy.Force(circuitbreaker.ForceOpen)
	_, _ = busy.Allow()
	m.want("dowel.throttle.probability", "dowel.name=orders: 1")
	m.want("dowel.throttle.refused_calls", "dowel.name=orders: 1")
	idle.Force(circuitbreaker.ForceOpen) // and there is no probability of two
	m.want("dowel.throttle.probability", "dowel.name=orders: 1")
}

func TestLimiters(t *testing.T) {
	m := newMeter(t)
	var stats ratelimit.Stats
	metrics.Limiter(&stats, "orders", m.with)
	e := ratelimit.Limit(echo, rate.NewLimiter(0, 2), ratelimit.CountIn(&stats))
	for range 3 {
		_, _ = e(t.Context(), "")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_, _ = e(ended, "")
	m.want("dowel.limiter.calls", "dowel.decision=admitted,dowel.name=orders: 2",
		"dowel.decision=canceled,dowel.name=orders: 1", "dowel.decision=refused,dowel.name=orders: 1")

	keyed := ratelimit.NewKeyed(func(string) ratelimit.Limiter { return rate.NewLimiter(1, 1) },
		ratelimit.MaxKeys(1), ratelimit.KeyFunc(func(ctx context.Context) string { return fmt.Sprint(ctx.Value(key{})) }))
	metrics.Keyed(keyed, "orders", m.with)
	per := ratelimit.PerKey(echo, keyed)
	for i := range 3 {
		_, _ = per(context.WithValue(t.Context(), key{}, i), "")
	}
	m.want("dowel.limiter.keys", "dowel.name=orders: 1")
	m.want("dowel.limiter.evicted_keys", "dowel.name=orders: 2")
}

type key struct{}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		q := ratelimit.NewQueue(rate.NewLimiter(1, 1))
		metrics.Queue(q, "orders", m.with)
		e := ratelimit.Wait(echo, q)
		for range 3 {
			go func() { _, _ = e(t.Context(), "") }()
		}
		synctest.Wait()
		m.want("dowel.limiter.waiting_calls", "dowel.name=orders: 2")
		time.Sleep(time.Minute)
		m.want("dowel.limiter.waiting_calls", "dowel.name=orders: 0")
	})
}

func TestConcurrency(t *testing.T) {
	m := newMeter(t)
	l := ratelimit.NewConcurrency(ratelimit.ConcurrencyStart(1), ratelimit.ConcurrencyBounds(1, 1))
	metrics.Concurrency(l, "orders", m.with)
	var e endpoint.Endpoint[string, string]
	e = ratelimit.Adaptive(func(ctx context.Context, again string) (string, error) {
		m.want("dowel.concurrency.limit", "dowel.name=orders: 1")
		m.want("dowel.concurrency.active_calls", "dowel.name=orders: 1")
		return e(ctx, again)
	}, l)
	_, _ = e(t.Context(), "")
	m.want("dowel.concurrency.active_calls", "dowel.name=orders: 0")
	m.want("dowel.concurrency.refused_calls", "dowel.name=orders,dowel.priority=critical: 1",
		"dowel.name=orders,dowel.priority=critical_plus: 0", "dowel.name=orders,dowel.priority=sheddable: 0",
		"dowel.name=orders,dowel.priority=sheddable_plus: 0")
}
