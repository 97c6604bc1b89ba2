package call

import (
	"context"
	"slices"
	"sync/atomic"
)

// Attempt sets that this is try number n of the call, counted from 1, and the
// IDs of instances that a balancer should avoid because they were tried. The
// slice is owned by the call from then on.
func Attempt(n int, avoid []string) Option {
	return func(c *Call) { c.attempt, c.avoid = n, avoid }
}

// Attempt returns which try of the call this is, counted from 1.
func (c *Call) Attempt() int {
	if c == nil || c.attempt < 1 {
		return 1
	}
	return c.attempt
}

// Avoided reports whether a balancer should avoid the instance with that ID.
func (c *Call) Avoided(id string) bool {
	return c != nil && slices.Contains(c.avoid, id)
}

// Avoids returns how many instances a balancer should avoid.
func (c *Call) Avoids() int {
	if c == nil {
		return 0
	}
	return len(c.avoid)
}

// Retries returns how many tries of this call, here or in the hops before, came
// before this one: the retry mark. A server that gets a marked call should not
// retry in turn, or the load multiplies from hop to hop.
func (c *Call) Retries() int {
	if c == nil {
		return 0
	}
	return c.retries + c.Attempt() - 1
}

// Inherited returns how many tries of this call the hops before had made when it
// came in.
func (c *Call) Inherited() int {
	if c == nil {
		return 0
	}
	return c.retries
}

// Record collects what became of a call while it runs: how many attempts were
// made and which instance served last. It is safe for concurrent use, and its
// zero value is ready. See [Observe].
type Record struct {
	attempts atomic.Int64
	instance atomic.Pointer[string]
}

// Observe returns a context whose outgoing calls are recorded, and the record.
// A logger or tracer reads it after the call.
func Observe(ctx context.Context) (context.Context, *Record) {
	r := new(Record)
	return With(ctx, func(c *Call) { c.record = r }), r
}

// Attempts returns how many attempts were made so far.
func (r *Record) Attempts() int { return int(r.attempts.Load()) }

// Instance returns the ID of the instance that was asked last, or "".
func (r *Record) Instance() string {
	if id := r.instance.Load(); id != nil {
		return *id
	}
	return ""
}

// Asked notes an attempt at the instance with that ID in the call's record, if
// somebody observes it. Balancers call it. The string is not copied and must not
// change.
func (c *Call) Asked(id *string) {
	if c == nil || c.record == nil {
		return
	}
	c.record.attempts.Add(1)
	c.record.instance.Store(id)
}
