package sd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"
)

// ErrWatchEnded is what a combinator yields, and an [Endpointer] reports, when its
// source ended a watch that should have gone on. The source is watched again after
// a backoff.
var ErrWatchEnded = errors.New("sd: the source ended its watch early")

// follow ranges over a source for as long as ctx lasts: one that returns early is
// watched again. A watch counts as having stood, and the backoff begins anew, if
// it lasted longer than the longest delay.
func follow(ctx context.Context, source Instancer) iter.Seq2[[]*Instance, error] {
	return func(yield func([]*Instance, error) bool) {
		var backoff Backoff
		for failures := 1; ctx.Err() == nil; failures++ {
			start := time.Now()
			for set, err := range source.Watch(ctx) {
				if ctx.Err() != nil || !yield(set, err) {
					return
				}
			}
			if ctx.Err() != nil || !yield(nil, ErrWatchEnded) {
				return
			}
			if time.Since(start) > backoff.bound(64) {
				failures = 1
			}
			_ = backoff.Wait(ctx, failures)
		}
	}
}

// PanicError is the value with which a combinator panics on its consumer's
// goroutine if its source, or a probe, panicked on another one.
type PanicError struct {
	Value any    // what the panic was called with
	Stack []byte // the stack of the goroutine that panicked
}

// newPanicError keeps a panic that came through several combinators in one layer.
func newPanicError(v any) *PanicError {
	if e, ok := v.(*PanicError); ok {
		return e
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}

// Error returns the panic's value and the stack: it is seen when nothing recovers
// the panic, and then the stack of the consumer alone would not help.
func (e *PanicError) Error() string {
	return fmt.Sprintf("sd: panic in a source or probe: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
