package etcd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/sd"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// entry is one registration's side of a key; [sd.Keep] drives it.
//
// Who may write a key that another holds is a question of generations, for a ghost
// must not overwrite the process that was started in its place: one that hung, lost
// its lease and came to again. A registration is given its generation when it reads
// the key for the first time: more than that of the entry which is there, and not
// less than the time in microseconds. So a successor that saw its predecessor's
// entry is later whatever their clocks say, and where there was no entry to see, the
// clocks decide. Every write is a transaction on the revision that was read.
//
//   - A first write takes over whatever is there that is not of a later generation.
//   - A later write, when the entry was lost, takes over what is of an earlier one.
//   - To anything else it leaves the place, an operator's text included, and waits
//     until that has gone or become an earlier one's.
type entry struct {
	*Registrar
	key        string
	generation int64 // 0 before the key was read
	entered    bool  // the instance was written once
	waiting    bool  // the place is another's
	failed     bool  // the last Put
	line       *line // the spare one while the main one is silent

	// A lease's ID is chosen here, so that one whose grant was not answered can be
	// revoked nonetheless.
	lease   int64 // 0 if there is none
	granted bool
	ttl     time.Duration // as granted, or as wanted before that
	renewed time.Time     // when the last renewal was sent that was confirmed
}

// Put writes the instance, with a lease granted before if there is none.
func (e *entry) Put(ctx context.Context, in sd.Instance) error {
	e.key = e.place.key(in.ID)
	if _, err := encode(in, lastGeneration); err != nil { // whether or not etcd is there
		return sd.Permanent(fmt.Errorf("etcd: %w", err))
	}
	err := e.within(ctx, func(ctx context.Context) error { return e.put(ctx, in) })
	if e.failed = err != nil; !e.failed {
		return nil
	}
	err = fmt.Errorf("etcd: put %s: %w", e.key, err)
	if refused(err) {
		return sd.Permanent(err)
	}
	return err
}

// within bounds what f does, so that a silent line is found out while ctx leaves time
// for another, which is taken the next time.
func (e *entry) within(ctx context.Context, f func(context.Context) error) error {
	bound := patience
	if deadline, ok := ctx.Deadline(); ok {
		bound = min(bound, time.Until(deadline)/2)
	}
	e.line.revive(ctx)
	ctx, cancel := e.registry.within(ctx, bound)
	defer cancel()
	err := f(ctx)
	if err == nil {
		return nil
	}
	err = e.registry.told(why(ctx, err))
	e.line = e.registry.after(err, e.line)
	return err
}

// patience is how long a server may take for the few requests of a Put or a Remove.
const patience = 4 * time.Second

func (e *entry) put(ctx context.Context, in sd.Instance) error {
	for {
		h, err := e.line.holder(ctx, e.key)
		if err != nil {
			return err
		}
		if e.generation == 0 {
			e.generation = max(time.Now().UnixMicro(), h.generation+1)
		}
		if e.waiting = !e.mayTake(h); e.waiting {
			return nil
		}
		text, err := encode(in, e.generation)
		if err != nil {
			return err
		}
		if err := e.grant(ctx); err != nil {
			return err
		}
		written, err := e.line.swap(ctx, e.key, text, e.lease, h.revision)
		switch {
		case errors.Is(err, rpctypes.ErrLeaseNotFound):
			e.lease = 0
		case err != nil:
			return err
		case written:
			e.entered = true
			return nil
		}
	}
}

// mayTake reports whether the entry may be written over.
func (e *entry) mayTake(h holder) bool {
	switch {
	case h.revision == 0, e.owns(h):
		return true
	case h.generation == 0:
		return !e.entered
	}
	return h.generation < e.generation
}

// owns reports whether the entry is the one that this registration wrote.
func (e *entry) owns(h holder) bool { return h.lease != 0 && h.lease == e.lease }

// grant gets a lease if there is none. That one is still alive is seen when it is used.
func (e *entry) grant(ctx context.Context) error {
	if e.lease == 0 {
		e.lease, e.granted = 1+rand.Int64N(math.MaxInt64-1), false
	}
	if e.granted {
		return nil
	}
	sent := time.Now()
	ttl, err := e.line.grant(ctx, e.lease, seconds(e.options.ttl))
	if errors.Is(err, rpctypes.ErrLeaseExist) {
		// The answer to an earlier request was lost.
		ttl, err = e.options.ttl, nil
	}
	if err != nil {
		return err
	}
	e.granted, e.ttl, e.renewed = true, ttl, sent
	return nil
}

// Remove revokes the lease, which deletes the key if the lease is still the key's. It
// tries for some seconds, so that whoever shuts down need not try again for a
// connection that comes back, and is not held up by one that does not.
func (e *entry) Remove(ctx context.Context) error {
	defer func() { e.line = e.registry.hangUp(e.line) }()
	start := time.Now()
	for failures := 1; ; failures++ {
		err := e.revoke(ctx)
		// A silent line is given up before, and leaves time for a spare one.
		if err == nil || refused(err) || time.Since(start) > patience+time.Second {
			return err
		}
		if (sd.Backoff{Cap: time.Second}).Wait(ctx, failures) != nil {
			return err
		}
	}
}

func (e *entry) revoke(ctx context.Context) error {
	if e.lease == 0 {
		return nil
	}
	err := e.within(ctx, func(ctx context.Context) error { return e.line.revoke(ctx, e.lease) })
	if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return fmt.Errorf("etcd: revoke the lease of %s: %w", e.key, err)
	}
	e.lease = 0
	return nil
}
