package etcd

import (
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// RegisterOption changes how a Registrar registers.
type RegisterOption func(*registerOptions)

type registerOptions struct {
	ttl  time.Duration
	keep []sd.KeepOption
}

// RegisterTTL sets the time to live of the lease: how long after its last heartbeat
// an instance is gone whose process died without a word. Three heartbeats are sent in
// that time. d must be at least 1 s and is rounded up to whole seconds; the default
// is 15 s. A server may grant more; see its election timeout.
func RegisterTTL(d time.Duration) RegisterOption { return func(o *registerOptions) { o.ttl = d } }

// RegisterKeep changes how registrations are supervised; see [sd.Keep]. The default
// is a backoff of 1 s to 4 s.
func RegisterKeep(opts ...sd.KeepOption) RegisterOption {
	opts = slices.Clone(opts)
	return func(o *registerOptions) { o.keep = append(o.keep, opts...) }
}

func newRegisterOptions(m *misuse, opts []RegisterOption) registerOptions {
	o := registerOptions{
		ttl:  15 * time.Second,
		keep: []sd.KeepOption{sd.KeepBackoff(sd.Backoff{Base: time.Second, Cap: 4 * time.Second})},
	}
	apply(m, &o, opts)
	m.add(o.ttl < time.Second, "RegisterTTL must be at least 1s, not %v", o.ttl)
	return o
}

// seconds rounds up, for what a user means by 1.5 s is not less.
func seconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	if d%time.Second > 0 {
		n++
	}
	return n
}
