package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// PerKey gives each caller a limiter of its own out of keyed, and refuses or
// delays its calls by that: as [Limit] does with one from [NewKeyed], as [Wait]
// does with one from [NewKeyedQueue]. Endpoints that share a Keyed share the
// callers' limits.
//
// PerKey panics if next, keyed or an option is nil.
func PerKey[Req, Resp any](next endpoint.Endpoint[Req, Resp], keyed *Keyed, opts ...Option) endpoint.Endpoint[Req, Resp] {
	return guard(next, newAdmission("PerKey", next == nil, keyed == nil, keyed, opts))
}

// Keyed holds one limiter per key. It is safe for concurrent use and starts no
// goroutine. Make it with [NewKeyed] or [NewKeyedQueue].
//
// It holds a bounded number of keys, so that an attacker with many keys cannot
// use up the memory. Beyond the bound the least recently used key is forgotten. A
// key that comes back after it was forgotten starts with a full burst, so the
// bound should exceed the number of callers who are active at once: if it does
// not, they forget each other and the limit no longer binds. [Keyed.Evictions]
// tells. Callers who wait in the line of a forgotten key keep their places.
type Keyed struct {
	key     func(context.Context) string
	maxKeys int
	idle    time.Duration
	waits   bool // callers may wait in the gates
	newGate func(key string) gate

	start     time.Time
	seed      maphash.Seed // random: nobody can aim keys at one shard
	shards    []shard      // a power of two
	evictions atomic.Uint64
}

// KeyedOption changes a [Keyed].
type KeyedOption func(*Keyed) error

// MaxKeys bounds how many keys are held. It must be positive; the default is
// 10,000, about 3 MB with limiters of x/time/rate. From 2,048 on the keys are cut into shards by their
// hash, and a full shard forgets a key before all are full: from about nine tenths
// of the bound on.
func MaxKeys(n int) KeyedOption {
	return func(k *Keyed) error {
		k.maxKeys = n
		return when(n < 1, fmt.Sprintf("the number of keys must be positive, not %d", n))
	}
}

// IdleExpiry sets after how long without a call a key is forgotten; one that waited is
// a call once more when its wait ends. It must be positive; the default is 10 minutes.
// It should exceed the time in which an empty limiter fills up: then to forget it
// changes nothing.
func IdleExpiry(d time.Duration) KeyedOption {
	return func(k *Keyed) error {
		k.idle = d
		return when(d <= 0, fmt.Sprintf("the idle expiry must be positive, not %v", d))
	}
}

// KeyFunc sets what the calls are told apart by. The default is [CallerKey]. Calls
// with the same key, the empty one included, share a limiter.
func KeyFunc(key func(ctx context.Context) string) KeyedOption {
	return func(k *Keyed) error {
		k.key = key
		return when(key == nil, "the key function is nil")
	}
}

// NewKeyed returns a Keyed that refuses the calls for which the limiter of their
// key has no permit. newLimiter makes the limiter of a key; it must not use the
// Keyed, and calls panic if it returns nil. NewKeyed panics if newLimiter or an
// option is nil, or an option is out of range.
func NewKeyed(newLimiter func(key string) Limiter, opts ...KeyedOption) *Keyed {
	return newKeyed("NewKeyed", newLimiter == nil, opts, func(key string) gate {
		limiter := newLimiter(key)
		check("NewKeyed", when(none(limiter), fmt.Sprintf("the limiter of the key %.40q is nil", key)))
		return rejecting{limiter}
	})
}

// NewKeyedQueue returns a Keyed that delays the calls until the limiter of their
// key has a permit, each key in a line of its own. Its arguments are those of
// [NewKeyed].
func NewKeyedQueue(newLimiter func(key string) Waiter, opts ...KeyedOption) *Keyed {
	k := newKeyed("NewKeyedQueue", newLimiter == nil, opts, func(key string) gate {
		limiter := newLimiter(key)
		check("NewKeyedQueue", when(none(limiter), fmt.Sprintf("the limiter of the key %.40q is nil", key)))
		return delaying(limiter)
	})
	k.waits = true
	return k
}

func newKeyed(function string, noLimiter bool, opts []KeyedOption, newGate func(string) gate) *Keyed {
	k := &Keyed{
		key:     CallerKey,
		maxKeys: 10_000,
		idle:    10 * time.Minute,
		newGate: newGate,
		start:   time.Now(),
		seed:    maphash.MakeSeed(),
	}
	faults := []error{when(noLimiter, "the function for limiters is nil")}
	for _, opt := range opts {
		if opt == nil {
			faults = append(faults, errors.New("an option is nil"))
			continue
		}
		faults = append(faults, opt(k))
	}
	check(function, faults...)
	k.shards = newShards(k.maxKeys)
	return k
}

// Len returns how many keys are held, after it has forgotten the idle ones.
func (k *Keyed) Len() int {
	n, limit := 0, time.Since(k.start)-k.idle
	for i := range k.shards {
		n += k.shards[i].size(limit)
	}
	return n
}

// Evictions returns how many keys were forgotten because of the bound, not
// because they were idle. If it grows, the bound is too small or somebody makes
// keys up.
func (k *Keyed) Evictions() uint64 { return k.evictions.Load() }

func (k *Keyed) admit(ctx context.Context) (time.Duration, error) {
	caller := k.key(ctx)
	g := k.gate(caller)
	retryAfter, cause := g.admit(ctx)
	if k.waits {
		k.touch(caller, g) // or a line longer than the expiry would be forgotten while it is served
	}
	return retryAfter, cause
}
