package sd

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before a failed step is tried again: exponential
// with full jitter, after "Exponential Backoff and Jitter" (AWS Architecture Blog,
// 2015). Each delay is uniform between zero and the smaller of Base·2ⁿ and Cap, so
// that the jitter survives the cap and clients do not come back in step.
//
// It is a value without state, safe for concurrent use. A zero field means its
// default.
type Backoff struct {
	Base time.Duration // the bound of the first delay; default 100 ms
	Cap  time.Duration // the bound of every delay; default 10 s
}

// Delay returns a delay after n failures in a row, counted from 1. It is positive.
func (b Backoff) Delay(n int) time.Duration { return rand.N(b.bound(n)) + 1 }

func (b Backoff) bound(n int) time.Duration {
	bound, limit := b.Base, b.Cap
	if bound <= 0 {
		bound = 100 * time.Millisecond
	}
	if limit <= 0 {
		limit = 10 * time.Second
	}
	for ; n > 1 && bound < limit; n-- {
		// bound*2 may overflow where this does not.
		bound += min(bound, limit-bound)
	}
	return min(bound, limit)
}

// Wait waits for Delay(n) or until ctx is done, whose error it returns then.
func (b Backoff) Wait(ctx context.Context, n int) error {
	t := time.NewTimer(b.Delay(n))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
