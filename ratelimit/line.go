package ratelimit

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"golang.org/x/time/rate"
)

// waiter is a caller in line. Its turn is closed when it is granted a permit.
type waiter struct {
	turn    chan struct{}
	granted bool
}

func (q *Queue) admit(ctx context.Context) (retryAfter time.Duration, cause error) {
	place, retryAfter, cause := q.join(ctx)
	if place == nil {
		return retryAfter, cause
	}
	select {
	case <-place.value.turn:
		if ctx.Err() == nil {
			return 0, nil
		}
	case <-ctx.Done():
	}
	q.leave(place)
	if err := ctx.Err(); err != context.DeadlineExceeded {
		return 0, err
	}
	return 0, fmt.Errorf("%w: %w", ErrLimited, context.DeadlineExceeded)
}

// join returns a place in line, or none if the answer is known already: a permit
// if cause is nil.
func (q *Queue) join(ctx context.Context) (place *node[waiter], retryAfter time.Duration, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.grant(now)
	if q.line.len == 0 && q.limiter.Allow() {
		return nil, 0, nil
	}
	if q.maxWaiting > 0 && q.line.len >= q.maxWaiting {
		return nil, q.slots[0].DelayFrom(now), fmt.Errorf("%w: %d callers are waiting", ErrLimited, q.line.len)
	}
	slot := q.limiter.ReserveN(now, 1)
	if !slot.OK() {
		return nil, 0, fmt.Errorf("%w: the burst is zero", ErrLimited)
	}
	q.addSlot(slot, now)
	if retryAfter, cause = q.late(ctx, now); cause != nil {
		q.dropSlot(now)
		return nil, retryAfter, cause
	}
	if q.slots[0] == slot {
		q.arm(now)
	}
	return q.line.pushBack(waiter{turn: make(chan struct{})}), 0, nil
}

// late says whether the last slot is too late for ctx.
func (q *Queue) late(ctx context.Context, now time.Time) (retryAfter time.Duration, cause error) {
	wait := q.slots[len(q.slots)-1].DelayFrom(now)
	if wait == rate.InfDuration {
		return 0, fmt.Errorf("%w: the rate is zero", ErrLimited)
	}
	if deadline, ok := ctx.Deadline(); ok && !now.Add(wait).Before(deadline) {
		return wait, fmt.Errorf("%w: the wait of %v would pass the deadline", ErrLimited, wait)
	}
	return 0, nil
}

func (q *Queue) leave(place *node[waiter]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.grant(now)
	switch {
	case !place.value.granted:
		q.line.remove(place)
	case q.line.len > 0: // granted at the moment it gave up: the permit is the next one's
		q.admitFirst()
	default: // and nobody is next: too late to cancel the reservation
		q.limiter.ReserveN(now, -1)
		return
	}
	q.dropSlot(now)
	if q.line.len == 0 {
		q.timer.Stop()
	}
}

// wake runs when the first slot is due.
func (q *Queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.grant(now)
	if q.line.len > 0 {
		q.arm(now)
	}
}

func (q *Queue) arm(now time.Time) {
	wait := q.slots[0].DelayFrom(now)
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, q.wake)
		return
	}
	q.timer.Reset(wait)
}

// grant admits as many callers as slots are due. A timer that is late makes
// several due, so its lateness costs no permits even at a burst of 1.
func (q *Queue) grant(now time.Time) {
	for q.line.len > 0 && q.slots[0].DelayFrom(now) == 0 {
		q.slots[0] = nil
		q.slots = q.slots[1:]
		q.admitFirst()
	}
}

func (q *Queue) admitFirst() {
	first := q.line.front()
	q.line.remove(first)
	first.value.granted = true
	close(first.value.turn)
}

// addSlot keeps the slots sorted: once the rate was raised, a new one may be due
// before older ones.
func (q *Queue) addSlot(slot *rate.Reservation, now time.Time) {
	wait := slot.DelayFrom(now)
	at := sort.Search(len(q.slots), func(i int) bool { return q.slots[i].DelayFrom(now) > wait })
	q.slots = slices.Insert(q.slots, at, slot)
}

// dropSlot gives the permit of the last slot back.
func (q *Queue) dropSlot(now time.Time) {
	last := len(q.slots) - 1
	q.slots[last].CancelAt(now)
	q.slots[last] = nil
	q.slots = q.slots[:last]
	// Cancel moves the limiter's latest event back by a rounded interval. The next
	// Cancel would find it a nanosecond off, take its own reservation for an
	// earlier one, and give nothing back. To reserve nothing sets it right.
	q.limiter.ReserveN(now, 0)
}
