package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/internal/adaptive"
)

// Concurrency is a limit of how many calls run at once that finds its value by
// itself, from how long they take. Waiting shows in the latency as soon as more
// calls run than the server can work on, and so the limit follows the ratio of the
// latency without waiting to the current one:
//
//	gradient = tolerance * base / latency   (from 0.5 to the tolerance of 1.25)
//	limit    = gradient * limit + sqrt(limit)
//
// This is the formula of Envoy's gradient controller, whose ancestors are Netflix's
// concurrency-limits and TCP Vegas; the root is room for bursts. By Little's law it
// settles at 1.25 times as many calls as keep the server busy, and the root of that.
// latency is the mean of a tenth of a second, or of more until enough calls have
// ended, and begins anew, after a pause, when the limit has changed. The limit does
// not grow unless half of it was used.
//
// base is the mean latency while nothing waits. It follows the current one as long
// as that is within the tolerance, and rises by no more than the tolerance. While the
// latency is above, or the limit is in full use, the limit is halved for a moment
// each half minute (sooner at first, and when it has halved since, and later if that
// takes long), and again until the latency falls no further: what is left is what the
// server takes now, and the new base. So a server that has become slow
// by itself is not mistaken for one that has too much to do, and no overload, however
// long, passes for normal. Envoy lets next to nothing through for such a
// measurement; Netflix's Gradient2 measures nothing and follows an average.
//
// A call counts if it succeeds. One that fails or is cancelled, or that panics,
// counts only if it was slow, longer than the tolerance: it would have taken that
// long at least, while a fast failure is no sign of a fast server.
//
// Calls of less importance, see [call.Criticality], have a share of the limit only,
// so that those of more find room: Sheddable 50 %, SheddablePlus 70 %, Critical 90 %
// and CriticalPlus all of it, rounded up.
//
// A Concurrency is safe for concurrent use, may serve several endpoints, takes no
// lock to let a call in, and holds no goroutine. Make it with [NewConcurrency] and
// use it with [Adaptive].
type Concurrency struct {
	epoch time.Time
	limit *adaptive.Limit
}

var errCrowded = fmt.Errorf("%w: as many calls are running as the server can take", ErrLimited)

// NewConcurrency returns a Concurrency. It panics if an option is nil or out of
// range.
func NewConcurrency(opts ...ConcurrencyOption) *Concurrency {
	return &Concurrency{epoch: time.Now(), limit: adaptive.New(configured(opts))}
}

// Limit returns how many calls may run at once now.
func (c *Concurrency) Limit() int { return c.limit.Slots() }

// InFlight returns how many calls are running.
func (c *Concurrency) InFlight() int { return c.limit.InFlight() }

// Refused returns how many calls of that class were refused since NewConcurrency.
func (c *Concurrency) Refused(p call.Criticality) uint64 { return c.limit.Refused(p) }

func (c *Concurrency) now() time.Duration { return time.Since(c.epoch) }

func (c *Concurrency) admit(ctx context.Context) (retryAfter time.Duration, cause error) {
	if c.limit.Enter(call.From(ctx).Priority()) {
		return 0, nil
	}
	return 0, errCrowded
}

func (c *Concurrency) leave(start time.Duration, err error) {
	c.limit.Leave(start, c.now(), err == nil)
}
