package call

import (
	"context"
	"sync/atomic"
)

// Record collects what became of a call while it runs: how many attempts were
// made and which instance served last. It is safe for concurrent use, its zero value
// is ready, and it must not be copied. See [Observe].
type Record struct {
	outer    *Record
	attempts atomic.Int64
	instance atomic.Pointer[string]
	address  atomic.Pointer[string]
}

// Observe returns a context whose outgoing calls are recorded, and the record.
// A logger or tracer reads it after the call. Observers nest: what an inner one
// records, those round it record as well.
func Observe(ctx context.Context) (context.Context, *Record) {
	o := &observing{carrying: carrying{Context: ctx}}
	if c := From(ctx); c != nil {
		o.call = *c
	}
	o.record.outer, o.call.record = o.call.record, &o.record
	return &o.carrying, &o.record
}

// observing is a context with a call and its record, in one allocation.
type observing struct {
	carrying
	record Record
}

// Observed reports whether somebody observes the call, so that Asked would be
// heard.
func (c *Call) Observed() bool { return c != nil && c.record != nil }

// Unobserved takes the observers out of a call. It is for a balancer that asks another
// one, or one several times, on behalf of a single attempt, and notes that by itself.
func Unobserved() Option { return func(c *Call) { c.record = nil } }

// Attempts returns how many attempts were made so far.
func (r *Record) Attempts() int { return int(r.attempts.Load()) }

// Instance returns the ID of the instance that was asked last or, of several that
// were asked at a time, of the one whose answer was taken. It is "" before.
func (r *Record) Instance() string { return text(&r.instance) }

// Address returns the address of the instance that Instance names, for instance
// "10.0.0.1:80". While several are asked at a time it may be that of another.
func (r *Record) Address() string { return text(&r.address) }

func text(p *atomic.Pointer[string]) string {
	if s := p.Load(); s != nil {
		return *s
	}
	return ""
}

// Asked notes an attempt at the instance with that ID and address in the call's
// record, if somebody observes it. Balancers call it. The strings are not copied and
// must not change.
func (c *Call) Asked(id, addr *string) {
	if c == nil {
		return
	}
	for r := c.record; r != nil; r = r.outer {
		r.attempts.Add(1)
		r.chose(id, addr)
	}
}

// Answered notes that the answer of the instance with that ID and address was taken,
// if several were asked at a time. It counts no attempt. Whoever asks several calls it
// once the last has returned. The strings are not copied and must not change.
func (c *Call) Answered(id, addr *string) {
	if c == nil {
		return
	}
	for r := c.record; r != nil; r = r.outer {
		r.chose(id, addr)
	}
}

func (r *Record) chose(id, addr *string) {
	r.address.Store(addr)
	r.instance.Store(id)
}
