package etcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/sd"
)

var (
	errExpired = errors.New("etcd: the lease has expired or was revoked")
	errDeleted = errors.New("etcd: somebody deleted the key")
	errVacated = errors.New("etcd: the entry in the place of this one has gone, or is of an earlier registration")
	// errReplaced never leaves Hold.
	errReplaced = errors.New("etcd: somebody else wrote the key")
)

// Hold renews the lease, and sees each time whether the key is still there. That the
// connection broke is no loss as long as the lease may live.
//
// Nor is it that a successor took the place: to take it back would begin a fight
// without end. So whoever was replaced waits until it may be taken.
//
// A Hold between two attempts to Put may be too short to find a silent server out. So
// what has run out before it began is lost.
func (e *entry) Hold(ctx context.Context) error {
	if e.waiting {
		return e.await(ctx)
	}
	if e.failed && time.Since(e.renewed) >= e.ttl {
		return e.unrenewed(errors.New("and the last attempt to write the key has failed"))
	}
	for failures, due := 0, e.renewed.Add(e.pace()); ; due = time.Now() {
		before := e.renewed
		err := e.beat(ctx, due)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errExpired):
			e.lease = 0
			return err
		case errors.Is(err, errDeleted):
			return err
		case errors.Is(err, errReplaced):
			e.waiting = true
			return e.await(ctx)
		}
		if e.renewed != before {
			failures = 0
		}
		left := time.Until(e.renewed.Add(e.ttl))
		if left <= 0 {
			return e.unrenewed(err)
		}
		failures++
		e.line = e.registry.after(err, e.line)
		e.rest(ctx, failures, left)
		e.line.revive(ctx)
	}
}

func (e *entry) unrenewed(err error) error {
	return fmt.Errorf("etcd: the lease was not renewed for %v: %w", e.ttl, err)
}

// rest waits before the stream of heartbeats is opened again, with jitter: all
// registrants may have lost theirs at once.
func (e *entry) rest(ctx context.Context, failures int, left time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	_ = sd.Backoff{Base: e.ttl / 10, Cap: e.ttl / 5}.Wait(ctx, failures)
}

// pace returns how long to wait for the next heartbeat: a third of the time to live,
// less some jitter.
func (e *entry) pace() time.Duration {
	third := max(e.ttl/3, 3)
	return third - rand.N(third/3)
}

// await returns when the place may be taken: nobody is there any more, or one of an
// earlier generation that came to a free place first.
func (e *entry) await(ctx context.Context) error {
	// Without a key of its own the lease is of no use. If this fails it expires.
	_ = e.briefly(ctx, e.revoke)
	for {
		e.line.revive(ctx)
		var h holder
		err := e.briefly(ctx, func(ctx context.Context) (err error) {
			h, err = e.line.holder(ctx, e.key)
			return err
		})
		switch {
		case err != nil:
			e.line = e.registry.after(err, e.line)
		case e.mayTake(h):
			return errVacated
		}
		if e.line.spare && e.homeAnswers(ctx) {
			e.line = e.registry.hangUp(e.line)
		}
		if err := pause(ctx, e.pace()); err != nil {
			return err
		}
	}
}

// homeAnswers reports whether a spare line is needed no more. It takes little of the
// time between two heartbeats.
func (e *entry) homeAnswers(ctx context.Context) bool {
	return e.registry.answers(ctx, e.key, min(e.ttl/10, time.Second))
}

// briefly bounds a request by the time between two heartbeats.
func (e *entry) briefly(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := e.registry.within(ctx, max(e.ttl/3, time.Second/3))
	defer cancel()
	return f(ctx)
}
