package sd

import (
	"context"
	"errors"
)

// refused tells of a version that could not be put whether it is a change that the
// registry refuses, so that what was put before it can stand.
func (r *Registration) refused(version int, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.standing > 0 && r.standing < version && permanent(err)
}

// holdLast has the entry say again what was put last, and holds it until it is time to
// try the refused version again, or another one is wanted. Without that the lease of an
// instance that lives would run out, because of a mistake in an Update.
func (r *Registration) holdLast(ctx context.Context, version, failures int, refusal error) {
	err := r.putEntry(ctx, r.last)
	r.stands(err, refusal)
	ctx, stop := context.WithTimeout(ctx, r.backoff.Delay(failures))
	defer stop()
	if !r.interruptible(stop, version) {
		return
	}
	if err == nil {
		if err = r.holdEntry(ctx); err != nil {
			r.stands(err, refusal)
		}
	}
	<-ctx.Done()
}

// stands notes whether what was put last stands beside the refusal.
func (r *Registration) stands(err, refusal error) {
	if registered := err == nil; !registered || !r.State().Registered {
		r.note(registered, errors.Join(refusal, err))
	}
}
