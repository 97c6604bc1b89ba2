package lb

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Budget bounds how much load retries may add, over all calls that share it: a
// bucket of tokens into which every call puts a fraction of one and from which
// every retry takes one, after Finagle's RetryBudget. A retry of what a breaker on
// this side refused takes none, since no server saw the first attempt. A small rate
// on top lets clients with little traffic retry at all. It is safe for concurrent
// use; calls write nothing to it while it is full. It is made by [NewBudget].
type Budget struct {
	ratio  int64 // milli-tokens that a call deposits
	rate   float64
	max    int64 // milli-tokens
	epoch  time.Time
	tokens atomic.Int64 // milli-tokens
	filled atomic.Int64 // nanoseconds since epoch up to which rate was credited
}

// BudgetOption changes a Budget.
type BudgetOption func(*Budget) error

// token is the unit of the counters: a thousandth, so that fractions add up
// without rounding.
const token = 1000

// NewBudget returns a full budget. By default 20 % of the calls may be retries,
// plus 10 a second, and at most 100 in a burst. It panics if an option is out of
// range, and names all that are.
func NewBudget(opts ...BudgetOption) *Budget {
	b := &Budget{ratio: token / 5, rate: 10, max: 100 * token, epoch: time.Now()}
	var faults []error
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(b))
	}
	if err := errors.Join(faults...); err != nil {
		panic(fmt.Sprintf("lb: NewBudget: %v", err))
	}
	b.tokens.Store(b.max)
	return b
}

// BudgetRatio sets which share of the calls may be retries, from 0 to 1 and to a
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

// BudgetRate sets how many retries a second are allowed whatever the traffic. The
// default is 10.
func BudgetRate(perSecond float64) BudgetOption {
	return func(b *Budget) error {
		b.rate = perSecond
		if !(perSecond >= 0 && perSecond <= 1e6) {
			return fmt.Errorf("the rate must be from 0 to 1,000,000 a second, not %v", perSecond)
		}
		return nil
	}
}

// BudgetBurst sets how many retries may be saved up. The default is 100.
func BudgetBurst(n int) BudgetOption {
	return func(b *Budget) error {
		b.max = int64(n) * token
		if n < 1 || n > 1e9 {
			return fmt.Errorf("the burst must be from 1 to 1,000,000,000, not %d", n)
		}
		return nil
	}
}

// Balance returns how many retries are allowed now.
func (b *Budget) Balance() float64 {
	b.refill()
	return float64(b.tokens.Load()) / token
}

// deposit credits one call.
func (b *Budget) deposit() { b.add(b.ratio) }

// withdraw takes the token of one retry, and reports whether there was one.
func (b *Budget) withdraw() bool {
	b.refill()
	for {
		have := b.tokens.Load()
		if have < token {
			return false
		}
		if b.tokens.CompareAndSwap(have, have-token) {
			return true
		}
	}
}

func (b *Budget) add(amount int64) {
	for amount > 0 {
		have := b.tokens.Load()
		if have >= b.max || b.tokens.CompareAndSwap(have, min(have+amount, b.max)) {
			return
		}
	}
}

// refill credits the rate for the time since the last refill. Only those who need
// a token read the clock.
func (b *Budget) refill() {
	if b.rate == 0 {
		return
	}
	now := int64(time.Since(b.epoch))
	last := b.filled.Load()
	perNanosecond := b.rate * token / 1e9
	credit := int64(float64(now-last) * perNanosecond)
	// Only the time of whole milli-tokens is used up: to drop the rest at each refill
	// would cost up to half of the rate.
	upTo := last + int64(float64(credit)/perNanosecond)
	if credit > 0 && b.filled.CompareAndSwap(last, upTo) {
		b.add(credit)
	}
}
