package lb

import (
	"sync/atomic"
	"time"
)

// budgetWindow is for how long deposits count, as in Finagle's RetryBudget.
const budgetWindow = 10 * time.Second

// pool holds deposits that expire: what half a window brought in is fresh, what the
// half before brought in is stale, and the rest is gone. So a deposit lives for
// between half a window and a whole one. Its zero value holds nothing, ever.
type pool struct {
	max   int64         // milli-tokens, fresh and stale together
	fresh atomic.Int64  // milli-tokens
	stale atomic.Int64  // milli-tokens
	until atomic.Int64  // nanoseconds since the budget's epoch when fresh becomes stale
	half  time.Duration // of the window
}

// fill makes the pool one of at most max, full at the time 0.
func (p *pool) fill(limit int64) {
	p.max, p.half = limit, budgetWindow/2
	p.fresh.Store(limit)
	p.until.Store(int64(p.half))
}

// age lets expire what has.
func (p *pool) age(now time.Duration) {
	until := p.until.Load()
	if int64(now) < until || !p.until.CompareAndSwap(until, int64(now+p.half)) {
		return
	}
	stale := p.fresh.Swap(0)
	if int64(now) >= until+int64(p.half) {
		stale = 0
	}
	p.stale.Store(stale)
}

// deposit adds to what is fresh. If the pool is full, that takes the place of what
// is stale.
func (p *pool) deposit(amount int64, now time.Duration) {
	p.age(now)
	credit(&p.fresh, amount, p.max)
	if over := p.fresh.Load() + p.stale.Load() - p.max; over > 0 {
		debit(&p.stale, over)
	}
}

func (p *pool) balance(now time.Duration) int64 {
	p.age(now)
	return p.fresh.Load() + p.stale.Load()
}

// credit adds amount as far as limit allows, and writes nothing at the limit.
func credit(tokens *atomic.Int64, amount, limit int64) {
	for amount > 0 {
		have := tokens.Load()
		if have >= limit || tokens.CompareAndSwap(have, min(have+amount, limit)) {
			return
		}
	}
}

// debit takes at most amount, and returns what it took.
func debit(tokens *atomic.Int64, amount int64) int64 {
	for {
		have := tokens.Load()
		took := max(0, min(have, amount))
		if took == 0 || tokens.CompareAndSwap(have, have-took) {
			return took
		}
	}
}
