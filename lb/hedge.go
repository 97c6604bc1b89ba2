package lb

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Hedge makes a second attempt at a call that is slow, usually on another instance,
// and takes the first success: it goes round an endpoint made by [Endpoint], or by a
// transport over a connection that balances, whose calls may run twice to the same
// effect. It cuts the tail of the latency where that
// is due to single instances and single moments (Dean and Barroso, "The Tail at
// Scale", CACM 56(2), 2013).
//
// The second attempt is made once the first has taken longer than 95 % of the calls
// before it, see [HedgePercentile], or a fixed time, see [HedgeAfter]. It is not made
// when the [Budget] is used up, when the deadline comes before, or when the call
// came in marked as a retry of the hop before. It counts as a retry: the next hop
// sees it marked, it has a number of its own, and it avoids the instance of the first.
//
// The first success wins, and so does an error that the request deserves, such as
// NotFound; a failure does not end the other attempt (as in gRFC A6). The other
// attempt's context is canceled, which strategies do not hold against its instance.
// A call.Record counts both attempts and names the instance that won. If both fail,
// the error is a [*RetryError]. An attempt that fails before the second was made is
// not hedged: that is what [Retry] is for. Either may go round the other.
//
// The call returns once both attempts have, so that afterwards nothing of it runs and
// nothing holds the request. So next must return soon when its context is canceled, as
// clients of the toolkit's transports do; with one that does not, Hedge gains nothing.
// In return the first attempt runs in the goroutine of the call, and a goroutine is
// started only for a second. A panic there is carried to the call as a [*HedgePanic],
// also if the first succeeded. A call that turns out not to need a second attempt
// costs four allocations, for contexts and a timer; Retry costs none, and neither does
// Hedge before it knows the percentile.
//
// It panics if next is nil or an option is out of range.
func Hedge[Req, Resp any](next endpoint.Endpoint[Req, Resp], opts ...HedgeOption) endpoint.Endpoint[Req, Resp] {
	h := newHedger(next != nil, opts)
	duels := newDuels(h, next)
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		if err := ctx.Err(); err != nil {
			return resp, err
		}
		ctx = h.budget.count(ctx)
		delay, ok := h.delay(ctx)
		if !ok {
			start := h.now()
			resp, err = next(ctx, req)
			h.observe(ctx, start, err)
			return resp, err
		}
		return duels.fight(ctx, req, delay)
	}
}

// now reads the clock if somebody wants to know.
func (h *hedger) now() time.Duration {
	if h.latency == nil {
		return 0
	}
	return time.Since(h.epoch)
}

// wins reports whether err, of an attempt with that context, is an answer: a success,
// or what any other instance would say too.
func wins(ctx context.Context, err error) bool {
	return err == nil || result(ctx, err) == Served && !endpoint.IsNotProcessed(err)
}

// observe notes how long a first attempt took. A fast failure does not make the
// others slow, and of what was canceled only a lower bound is known: such attempts
// count if they raise the percentile. To leave out those that lost against their
// hedges would let it fall without end.
func (h *hedger) observe(ctx context.Context, start time.Duration, err error) {
	if h.latency == nil {
		return
	}
	end, known := h.now(), h.latency.percentile()
	if wins(ctx, err) || known > 0 && end-start >= known {
		h.latency.observe(end-start, end)
	}
}
