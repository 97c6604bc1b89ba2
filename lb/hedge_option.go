package lb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/call"
)

// HedgeOption changes how [Hedge] makes a second attempt.
type HedgeOption func(*hedger) error

// hedger is what Hedge knows of all calls.
type hedger struct {
	after   time.Duration // if there is no percentile
	atLeast time.Duration // if there is
	share   float64
	latency *latencies // nil if the delay is fixed
	epoch   time.Time
	budget  *Budget
	counts  *Attempts // nil if nobody counts
	onHedge func(ctx context.Context)
}

func newHedger(hasNext bool, opts []HedgeOption) *hedger {
	h := &hedger{share: 0.95, atLeast: time.Millisecond, epoch: time.Now()}
	var faults []error
	if !hasNext {
		faults = append(faults, errors.New("next is nil"))
	}
	configure("Hedge", h, opts, faults)
	if h.after == 0 {
		h.latency = newLatencies(h.share)
	}
	if h.budget == nil {
		h.budget = NewBudget()
	}
	return h
}

// HedgePercentile makes the second attempt after the time within which that share of
// the calls is answered, but not before atLeast. The share is from 0.5 to 0.999, and
// atLeast is positive. The default is 0.95 and a millisecond.
//
// Old latencies fade, those of 8 seconds ago to a third. There is no second attempt
// before two calls may lie beyond the percentile, so before 40 calls for 0.95; if
// calls are too rare for that many, they fade more slowly.
func HedgePercentile(share float64, atLeast time.Duration) HedgeOption {
	return func(h *hedger) error {
		h.share, h.atLeast, h.after = share, atLeast, 0
		var faults []error
		if !(share >= 0.5 && share <= 0.999) {
			faults = append(faults, fmt.Errorf("the percentile must be from 0.5 to 0.999, not %v", share))
		}
		if atLeast <= 0 {
			faults = append(faults, fmt.Errorf("the least delay must be positive, not %v", atLeast))
		}
		return errors.Join(faults...)
	}
}

// HedgeAfter makes the second attempt after a fixed time, which must be positive. Of
// HedgeAfter and [HedgePercentile] the last one counts.
func HedgeAfter(d time.Duration) HedgeOption {
	return func(h *hedger) error {
		h.after = d
		if d <= 0 {
			return fmt.Errorf("the delay must be positive, not %v", d)
		}
		return nil
	}
}

// HedgeBudget shares a budget with other endpoints, those with [Retry] among them. By
// default each Hedge has a [NewBudget] of its own.
func HedgeBudget(b *Budget) HedgeOption {
	return func(h *hedger) error {
		h.budget = b
		if b == nil {
			return errors.New("the budget is nil")
		}
		b.hedged.Store(true)
		return nil
	}
}

// OnHedge calls f before each second attempt, with its context, for logs and metrics.
// f runs in the attempt's goroutine and should return soon.
func OnHedge(f func(ctx context.Context)) HedgeOption {
	return func(h *hedger) error {
		h.onHedge = f
		if f == nil {
			return errors.New("the function for hedges is nil")
		}
		return nil
	}
}

// delay returns when to make the second attempt, and false if there can be none.
func (h *hedger) delay(ctx context.Context) (time.Duration, bool) {
	d := h.after
	if h.latency != nil {
		known := h.latency.percentile()
		if known == 0 {
			return 0, false
		}
		d = max(known, h.atLeast)
	}
	if call.From(ctx).Inherited() > 0 {
		return 0, false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return 0, false
	}
	return d, true
}
