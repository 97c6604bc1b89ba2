package sd

import (
	"context"
	"iter"
)

// Instancer knows the instances of one service. It is safe for concurrent use.
//
// Watch does nothing until it is ranged over; each range is a watch of its own.
// It yields the current set as soon as it is known, then each newer one. A pair
// is a set (the error is nil; a set of length 0 means truly empty) or an error
// (the set is nil): then the last set stands, and the next good set is yielded
// even if it did not change.
//
// A set is immutable, sorted by ID and free of duplicates, and an instance that
// did not change keeps its pointer from set to set. A slow consumer gets the
// newest set, never a backlog, and blocks nobody.
//
// A set is what the registry says. One that has lost its data truly says that
// nobody is there, until the living have registered again: [Stabilize] is what
// rides that out. It waits with removals after an error, so a registry that has
// gone silent should be reported as one before leases run out.
//
// An entry of the registry that cannot be read is left out. It is reported once,
// by an error before the set that lacks it, and again only after it has changed;
// the set follows even if it did not change, because the source is sound.
//
// Watch yields on the ranging goroutine only. It ends only when ctx is done or
// the consumer breaks off, returns promptly then, and leaves nothing running.
// While it waits for its source only ctx interrupts it: stop of [iter.Pull]
// beside a running next is a data race.
type Instancer interface {
	Watch(ctx context.Context) iter.Seq2[[]*Instance, error]
}

// InstancerFunc makes an Instancer of a function.
type InstancerFunc func(ctx context.Context) iter.Seq2[[]*Instance, error]

// Watch calls f.
func (f InstancerFunc) Watch(ctx context.Context) iter.Seq2[[]*Instance, error] { return f(ctx) }

// Registrar announces instances of one service. It is safe for concurrent use.
//
// Register returns once the instance is in the registry and keeps it there,
// through lease and session expiry, registry restarts and lost data, until
// [Registration.Deregister]. ctx bounds the first registration only: an outage
// is retried until ctx ends, a permanent refusal (credentials, a malformed
// instance) returns at once.
type Registrar interface {
	Register(ctx context.Context, in Instance) (*Registration, error)
}
