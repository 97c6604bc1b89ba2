package call

import (
	"context"
	"sync/atomic"
	"time"
)

// timed is a context with a deadline that starts its timer when somebody asks for
// Done, and not before: nearly every call ends long before its deadline, and one
// that waits for nothing never asks. Otherwise it is [context.WithDeadline], which
// it hands over to.
//
// Until then, Err looks at the clock. What it has reported once stays: to report
// anything but nil it hands over first. If the parent has ended and the deadline
// has passed before anybody looks, nobody can tell which came first, and it is the
// deadline: callers hang up when it passes.
type timed struct {
	context.Context
	deadline time.Time
	real     atomic.Pointer[ending] // nil until it is needed
}

// ending is a context and what ends it.
type ending struct {
	context.Context
	cancel context.CancelFunc
}

// released stands in for a context that nobody had asked for when it was
// cancelled. All calls share it.
var released = func() *ending {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &ending{ctx, cancel}
}()

func (t *timed) Deadline() (time.Time, bool) {
	if sooner, ok := t.Context.Deadline(); ok && sooner.Before(t.deadline) {
		return sooner, true
	}
	return t.deadline, true
}

func (t *timed) Done() <-chan struct{} { return t.arm().Done() }

func (t *timed) Err() error {
	if t.real.Load() == nil && !t.over() {
		return nil
	}
	return t.arm().Err()
}

// Value asks the real context first, since that is how the context package finds
// whom to tell the children of, and the cause.
func (t *timed) Value(key any) any {
	if real := t.real.Load(); real != nil {
		if v := real.Value(key); v != nil {
			return v
		}
	}
	return t.Context.Value(key)
}

func (t *timed) passed() bool { return !time.Now().Before(t.deadline) }

func (t *timed) over() bool { return t.Context.Err() != nil || t.passed() }

// arm returns the real context, and makes it if there is none.
func (t *timed) arm() *ending {
	if real := t.real.Load(); real != nil {
		return real
	}
	parent := t.Context
	if t.passed() {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithDeadline(parent, t.deadline)
	if real := (&ending{ctx, cancel}); t.real.CompareAndSwap(nil, real) {
		return real
	}
	cancel()
	return t.real.Load()
}

// cancel releases the timer if there is one. A deadline that has passed before
// stays the reason.
func (t *timed) cancel() {
	if t.real.Load() == nil && t.over() {
		t.arm()
	}
	if !t.real.CompareAndSwap(nil, released) {
		t.real.Load().cancel()
	}
}
