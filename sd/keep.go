package sd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Entry is the place of one instance in a registry, as an adapter sees it. [Keep]
// calls its methods one at a time, so an Entry needs no lock. Each returns promptly
// when its ctx is done.
type Entry interface {
	// Put writes the instance and returns nil once it is there. It is called
	// again after it failed, after Hold returned, and when the instance changes; with
	// the instance as it was before if a change is refused, see Permanent. in has an
	// ID, and its Meta is the Entry's own.
	Put(ctx context.Context, in Instance) error
	// Hold keeps the instance there (heartbeats, renewal of a lease) and returns
	// why it was lost. It is called after Put returned nil; and after a Put that failed
	// to change an instance that stood, so that this or what it left is kept until the
	// next attempt. That ends it early, often before a heartbeat is due or has failed: so
	// heartbeats, and the time without any, are counted from the last one, not from the
	// beginning of Hold.
	Hold(ctx context.Context) error
	// Remove takes out what Put of this Entry put there and nothing else. It is
	// called also after a Put whose outcome is unknown, and again if it failed.
	Remove(ctx context.Context) error
}

// ErrTimeout is that the registry, or the way to it, took longer than [KeepTimeout].
var ErrTimeout = errors.New("sd: the registry did not answer in time")

// Permanent marks an error of Entry.Put that trying again cannot mend, such as
// refused credentials: it ends Register at once. Permanent of nil is nil.
//
// Once an instance was registered there is no permanent error: what an operator
// broke an operator can mend, so Keep goes on trying. If it is a change of the instance
// that is refused, Keep puts what was there before and holds that in the meantime; if a
// change fails with another error, Keep holds what stands, whichever it is.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// KeepOption changes how Keep supervises.
type KeepOption func(*Registration)

// KeepBackoff sets the delays between attempts to put the instance. The default
// is that of the zero Backoff.
func KeepBackoff(b Backoff) KeepOption { return func(r *Registration) { r.backoff = b } }

// KeepTimeout bounds each Put, and each Deregister as a whole, so that a black hole
// in the network is an error like any other: [ErrTimeout]. The default, also for
// zero, is 10 s.
func KeepTimeout(d time.Duration) KeepOption { return func(r *Registration) { r.timeout = d } }

// KeepNotify calls f with each new state, errors before the first success
// included, for logs and metrics. f is called by one goroutine at a time, in the
// order of the states, and should return soon; it must not call Update or
// Deregister.
func KeepNotify(f func(RegistrationState)) KeepOption {
	return func(r *Registration) { r.notify = f }
}

// Keep puts an instance into a registry and supervises it there. It is the body
// of a Registrar's Register: it validates the instance, tries Put with jittered
// backoff until the first success, a permanent error or the end of ctx, then
// holds the entry and puts it back whenever it is lost, until Deregister. It
// panics if entry or an option is nil, or an option is negative.
//
// A panic of the entry is an error like any other, but ends Register at once.
func Keep(ctx context.Context, in Instance, entry Entry, opts ...KeepOption) (*Registration, error) {
	r := newRegistration(in, entry)
	r.configure(opts)
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if r.timeout == 0 {
		r.timeout = 10 * time.Second
	}
	if err := r.first(ctx); err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	r.end = end
	go r.supervise(life)
	return r, nil
}

// configure applies the options, and panics if they or the entry are no good.
func (r *Registration) configure(opts []KeepOption) {
	var f faults
	f.add(r.entry == nil, "entry is nil")
	for i, opt := range opts {
		if opt == nil {
			f.add(true, "option %d is nil", i+1)
			continue
		}
		opt(r)
	}
	f.add(r.timeout < 0, "the timeout %v is negative", r.timeout)
	f.add(r.backoff.Base < 0 || r.backoff.Cap < 0, "the backoff %+v is negative", r.backoff)
	f.refuse("Keep")
}

// cleanUp bounds the removal of an entry that Register gives up on.
const cleanUp = 2 * time.Second

func (r *Registration) first(ctx context.Context) error {
	err := ctx.Err()
	if err != nil {
		return fmt.Errorf("sd: register %s: %w", r.id, err)
	}
	for n := 1; ; n++ {
		if _, err = r.put(ctx); err == nil {
			return nil
		}
		if permanent(err) {
			break
		}
		if stop := r.backoff.Wait(ctx, n); stop != nil {
			err = errors.Join(stop, err)
			break
		}
	}
	// A reply may have been lost, and not the entry.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	_ = r.remove(ctx)
	return fmt.Errorf("sd: register %s: %w", r.id, err)
}

func permanent(err error) bool {
	_, refused := errors.AsType[*permanentError](err)
	_, panicked := errors.AsType[*PanicError](err)
	return refused || panicked
}

// supervise holds the entry, and puts it back whenever that ends, until ctx does.
func (r *Registration) supervise(ctx context.Context) {
	defer close(r.done)
	for failures, version := 0, 1; ctx.Err() == nil; {
		lost, stood := r.hold(ctx, version)
		if stood {
			failures = 0
		}
		if lost {
			// Wait after the first loss already: a registry that comes back
			// meets all its clients at once.
			failures++
			_ = r.backoff.Wait(ctx, failures)
		}
		for ctx.Err() == nil {
			var err error
			if version, err = r.put(ctx); err == nil {
				break
			}
			failures++
			if r.refused(version, err) || r.State().Registered {
				r.holdLast(ctx, version, failures, err)
				continue
			}
			_ = r.backoff.Wait(ctx, failures)
		}
	}
}

// hold returns when the entry is lost, the wanted instance has changed, or ctx is
// done. It also tells whether the entry stood longer than the longest delay.
func (r *Registration) hold(ctx context.Context, version int) (lost, stood bool) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if !r.interruptible(stop, version) {
		return false, false
	}
	start := time.Now()
	err := r.holdEntry(ctx)
	if lost = err != nil; lost {
		r.note(false, err)
	}
	return lost, time.Since(start) > r.backoff.bound(64)
}

// holdEntry returns why the entry was lost, or nil if it was not, and ctx is done.
func (r *Registration) holdEntry(ctx context.Context) error {
	err := safely(func() error { return r.entry.Hold(ctx) })
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("it is not known why")
	}
	return fmt.Errorf("sd: the entry of %s was lost: %w", r.id, err)
}

// put tries to put the wanted instance, and returns which version of it that was.
func (r *Registration) put(ctx context.Context) (version int, err error) {
	in, version := r.want()
	if err = r.putEntry(ctx, in); err != nil {
		r.note(r.State().Registered, err) // if something stood, it most likely does
		return version, err
	}
	r.applied(in, version)
	return version, nil
}

func (r *Registration) putEntry(ctx context.Context, in Instance) error {
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	in.Meta = maps.Clone(in.Meta) // which is the entry's own
	return late(ctx, safely(func() error { return r.entry.Put(ctx, in) }))
}

func (r *Registration) remove(ctx context.Context) error {
	return safely(func() error { return r.entry.Remove(ctx) })
}

func (r *Registration) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("%w: %v", ErrTimeout, r.timeout))
}

// late adds to an error that it is the registration's own bound that has ended ctx.
func late(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrTimeout) && !errors.Is(err, ErrTimeout) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
