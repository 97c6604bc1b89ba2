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

// holdLast holds what stands until it is time to try a version again that could not be
// put, or another one is wanted. Without that the lease of an instance that lives would
// run out, because of a mistake in an Update, or of a registry that takes none for a
// while. What was put last is said again if the version was refused: otherwise either may
// stand, and consumers had better not see them in turn.
func (r *Registration) holdLast(ctx context.Context, version, failures int, failure error) {
	var err error
	if permanent(failure) {
		err = r.putEntry(ctx, r.last)
		r.stands(err, failure)
	}
	ctx, stop := context.WithTimeout(ctx, r.backoff.Delay(failures))
	defer stop()
	if !r.interruptible(stop, version) {
		return
	}
	if err == nil {
		if err = r.holdEntry(ctx); err != nil {
			r.stands(err, failure)
		}
	}
	<-ctx.Done()
}

// stands notes whether something stands beside the version that could not be put.
func (r *Registration) stands(err, failure error) {
	if registered := err == nil; !registered || !r.State().Registered {
		r.note(registered, errors.Join(failure, err))
	}
}
