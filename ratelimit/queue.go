package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Reserver is a limiter that can promise a permit for later. A [*rate.Limiter] is
// one. It must be safe for concurrent use.
type Reserver interface {
	Limiter
	// ReserveN promises n permits at the time that the reservation says. Of zero permits
	// it changes nothing, and -1 gives one back.
	ReserveN(now time.Time, n int) *rate.Reservation
}

// Queue is a line of callers that wait for the permits of one limiter: first
// come, first served. It is a [Waiter], safe for concurrent use, and starts no
// goroutine that outlives its callers. Make it with [NewQueue].
//
// Permits are reserved by the line, not by the callers in it. When a caller gives
// up, those behind it move up one place and the last reservation is cancelled. To
// cancel the caller's own would lose the permit: a [*rate.Limiter] takes back
// only its latest. For the same reason a limiter should have one Queue. [Limit]
// may use the limiter beside it, but is refused while there is a line.
type Queue struct {
	limiter    Reserver
	maxWaiting int // 0 means no bound

	mu    sync.Mutex
	line  list[waiter]
	slots []*rate.Reservation // as many as there are in line, earliest first
	timer *time.Timer         // set for slots[0]
}

// QueueOption changes a [Queue].
type QueueOption func(*Queue) error

// MaxWaiting bounds how many callers wait at once; further ones are refused. It
// must be positive. The default is no bound but the callers' own deadlines.
func MaxWaiting(n int) QueueOption {
	return func(q *Queue) error {
		q.maxWaiting = n
		return when(n < 1, fmt.Sprintf("the number of waiting callers must be positive, not %d", n))
	}
}

// NewQueue returns a Queue for limiter. It panics if limiter or an option is nil,
// or an option is out of range.
func NewQueue(limiter Reserver, opts ...QueueOption) *Queue {
	q := &Queue{limiter: limiter}
	faults := []error{when(none(limiter), "the limiter is nil")}
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(q))
	}
	check("NewQueue", faults...)
	return q
}

// Len returns how many callers wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.len
}

// Wait returns nil when it is the caller's turn. It returns the context's error
// if that is done first, and one that wraps [ErrLimited] at once if the turn
// would not come before the deadline, or never, or the line is full.
func (q *Queue) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := q.admit(ctx)
	return err
}
