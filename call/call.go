package call

import (
	"context"
	"iter"
	"maps"
	"slices"
)

// Call is what travels with one call. It is immutable and safe for concurrent
// use; [With] makes a changed copy. A nil *Call is an empty one, so the result of
// [From] can be used without a check.
type Call struct {
	requestID     string
	correlationID string
	peer          string
	caller        string
	key           string
	criticality   Criticality
	retries       int
	values        map[string]string // keys in canonical form, never written to once set
	attempt       int
	avoid         []string
	record        *Record
}

type contextKey struct{}

// From returns the call that ctx belongs to, or nil, which is an empty call.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}

// Option sets one property of a call.
type Option func(*Call)

// With returns a context whose call is that of ctx, changed by the options.
func With(ctx context.Context, opts ...Option) context.Context {
	var c Call
	if old := From(ctx); old != nil {
		c = *old
	}
	for _, opt := range opts {
		opt(&c)
	}
	return context.WithValue(ctx, contextKey{}, &c)
}

// RequestID sets the ID of this request, the same in every hop and attempt.
func RequestID(id string) Option { return func(c *Call) { c.requestID = id } }

// CorrelationID sets the ID of whatever larger thing the request is part of: a
// session, a batch, a business process.
func CorrelationID(id string) Option { return func(c *Call) { c.correlationID = id } }

// Peer sets the network address of the caller. Server transports do.
func Peer(addr string) Option { return func(c *Call) { c.peer = addr } }

// Caller sets the authenticated identity of the caller. It stays in this
// process: the next hop authenticates its caller by itself.
func Caller(identity string) Option { return func(c *Call) { c.caller = identity } }

// Key sets the balancing key: strategies with affinity send calls of one key to
// one instance. It stays in this process.
func Key(key string) Option { return func(c *Call) { c.key = key } }

// Priority sets how much it matters that the call is served under overload.
func Priority(p Criticality) Option { return func(c *Call) { c.criticality = p } }

// Value sets a key of the user's own, which travels with the call from hop to
// hop: every client transport sends it on, every server keeps it if its
// [Propagator] allows the key. Keys are compared without regard to case.
func Value(key, value string) Option {
	return func(c *Call) {
		values := make(map[string]string, len(c.values)+1)
		maps.Copy(values, c.values)
		values[canonical(key)] = value
		c.values = values
	}
}

// RequestID returns the request's ID, or "".
func (c *Call) RequestID() string {
	if c == nil {
		return ""
	}
	return c.requestID
}

// CorrelationID returns the correlation ID, or "".
func (c *Call) CorrelationID() string {
	if c == nil {
		return ""
	}
	return c.correlationID
}

// Peer returns the network address of the caller, or "" outside a server.
func (c *Call) Peer() string {
	if c == nil {
		return ""
	}
	return c.peer
}

// Caller returns the authenticated identity of the caller, or "".
func (c *Call) Caller() string {
	if c == nil {
		return ""
	}
	return c.caller
}

// Key returns the balancing key, or "".
func (c *Call) Key() string {
	if c == nil {
		return ""
	}
	return c.key
}

// Priority returns how much it matters that the call is served; Critical unless
// somebody said otherwise.
func (c *Call) Priority() Criticality {
	if c == nil {
		return Critical
	}
	return c.criticality
}

// Value returns the value of a key of the user's own, or "".
func (c *Call) Value(key string) string {
	if c == nil {
		return ""
	}
	return c.values[canonical(key)]
}

// Values returns the keys of the user's own in canonical (lower) case, sorted,
// with their values.
func (c *Call) Values() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c == nil {
			return
		}
		for _, k := range slices.Sorted(maps.Keys(c.values)) {
			if !yield(k, c.values[k]) {
				return
			}
		}
	}
}
