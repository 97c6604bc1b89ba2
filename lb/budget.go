package lb

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Budget bounds how much load retries and hedges may add, over all calls that share
// it, after Finagle's RetryBudget: every call deposits a fraction of a token, and
// every further attempt takes one token. A small rate on top, the floor, lets
// clients with little traffic retry at all. An attempt that a breaker on this side
// refused takes none, since no server saw it. It is safe for concurrent use; calls
// write nothing to it while it is full. It is made by [NewBudget].
//
// A burst of calls an hour ago pays for nothing now. What the floor brings in during
// 10 seconds is there anyway after 10 idle seconds, so up to that much, and up to one
// token if there is a floor at all, is kept without regard to where it came from and
// when; by default that is the whole budget. Only what a burst beyond that saves up
// expires, after 5 to 10 seconds, and only such a budget reads the clock at a call.
//
// Of [Retry] and [Hedge] round one another with the same budget, the outer one alone
// deposits, so that the call counts once.
type Budget struct {
	ratio  int64 // milli-tokens that a call deposits
	rate   float64
	max    int64 // milli-tokens, all told
	keep   int64 // milli-tokens that do not expire
	epoch  time.Time
	hedged atomic.Bool  // a Hedge was given it, see count
	tokens atomic.Int64 // milli-tokens of those that do not expire
	filled atomic.Int64 // nanoseconds since epoch up to which rate was credited
	pool   pool         // of those that do
}

// BudgetOption changes a Budget.
type BudgetOption func(*Budget) error

// token is the unit of the counters: a thousandth, so that fractions add up
// without rounding.
const token = 1000

// NewBudget returns a full budget. By default further attempts may be 20 % of the
// calls, plus 10 a second, and at most 100 in a burst. It panics if an option is out of
// range, and names all that are.
func NewBudget(opts ...BudgetOption) *Budget {
	b := &Budget{ratio: token / 5, rate: 10, max: 100 * token, epoch: time.Now()}
	configure("NewBudget", b, opts, nil)
	if b.rate > 0 {
		// Less than a token would never become one.
		b.keep = min(b.max, max(token, int64(b.rate*token*budgetWindow.Seconds())))
	}
	b.tokens.Store(b.keep)
	b.pool.fill(b.max - b.keep)
	return b
}

// BudgetRatio sets how many further attempts a call pays for, from 0 to 1 and to a
// thousandth. The default is 0.2.
func BudgetRatio(ratio float64) BudgetOption {
	return func(b *Budget) error {
		b.ratio = int64(math.Round(ratio * token))
		if !(ratio >= 0 && ratio <= 1) {
			return fmt.Errorf("the ratio must be from 0 to 1, not %v", ratio)
		}
		return nil
	}
}

// BudgetRate sets the floor: how many further attempts a second are allowed whatever
// the traffic, from 0 to 1,000,000. The default is 10.
func BudgetRate(perSecond float64) BudgetOption {
	return func(b *Budget) error {
		b.rate = perSecond
		if !(perSecond >= 0 && perSecond <= 1e6) {
			return fmt.Errorf("the rate must be from 0 to 1,000,000 a second, not %v", perSecond)
		}
		return nil
	}
}

// BudgetBurst sets how many further attempts may be saved up, from 1 to
// 1,000,000,000. What is more than the rate brings in within 10 seconds expires, see
// [Budget]. The default is 100.
func BudgetBurst(n int) BudgetOption {
	return func(b *Budget) error {
		b.max = int64(n) * token
		if n < 1 || n > 1e9 {
			return fmt.Errorf("the burst must be from 1 to 1,000,000,000, not %d", n)
		}
		return nil
	}
}

// Balance returns how many further attempts are allowed now.
func (b *Budget) Balance() float64 {
	now := b.refill()
	return float64(b.pool.balance(now)+b.tokens.Load()) / token
}

// deposit credits one call.
func (b *Budget) deposit() { b.add(b.ratio) }

// refund gives back the token of an attempt that no server saw.
func (b *Budget) refund() { b.add(token) }

func (b *Budget) add(amount int64) {
	switch {
	case b.tokens.Load() < b.keep:
		credit(&b.tokens, amount, b.keep)
	case b.pool.max > 0:
		b.pool.deposit(amount, time.Since(b.epoch))
	}
}

// withdraw takes the token of one attempt, and reports whether there was one. What
// expires soonest goes first, and fractions make a whole.
func (b *Budget) withdraw() bool {
	for now := b.refill(); b.pool.balance(now)+b.tokens.Load() >= token; {
		part := debit(&b.pool.stale, token)
		part += debit(&b.pool.fresh, token-part)
		if part == token || b.complete(part) {
			return true
		}
	}
	return false
}

// complete makes a whole token of a part with what is kept, and takes it, or leaves the
// part there: whoever comes last of those that have a part of one token gets it. If each
// put back what it had, all could be denied it. So a part may be kept that would expire.
func (b *Budget) complete(part int64) bool {
	for {
		have := b.tokens.Load()
		left := have + part
		if left >= token {
			left -= token
		}
		if b.tokens.CompareAndSwap(have, left) {
			return left < have+part
		}
	}
}

// refill credits the rate for the time since the last refill. It returns the time
// since epoch.
func (b *Budget) refill() time.Duration {
	elapsed := time.Since(b.epoch)
	if b.rate == 0 {
		return elapsed
	}
	now, last := int64(elapsed), b.filled.Load()
	perNanosecond := b.rate * token / 1e9
	amount := int64(float64(now-last) * perNanosecond)
	// Only the time of whole milli-tokens is used up: to drop the rest at each refill
	// would cost up to half of the rate.
	upTo := last + int64(float64(amount)/perNanosecond)
	if amount > 0 && b.filled.CompareAndSwap(last, upTo) {
		credit(&b.tokens, amount, b.keep)
	}
	return elapsed
}
