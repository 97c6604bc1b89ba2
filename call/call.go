package call

import (
	"context"
	"strconv"
)

// Call is what travels with one call. It is immutable and safe for concurrent
// use; [With] makes a changed copy. A nil *Call is an empty one, so the result of
// [From] can be used without a check. Its zero value is empty too.
type Call struct {
	requestID     string
	correlationID string
	peer          string
	caller        string
	key           string
	criticality   Criticality
	retries       int
	values        values
	attempt       int
	avoid         []string
	record        *Record
	injector      Injector
}

type contextKey struct{}

// carrying is a context with a call in it, in one allocation rather than the two
// of context.WithValue.
type carrying struct {
	context.Context
	call Call
}

func (c *carrying) Value(key any) any {
	if key == (contextKey{}) {
		return &c.call
	}
	return c.Context.Value(key)
}

// From returns the call that ctx belongs to, or nil, which is an empty call.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}

// Option sets one property of a call.
type Option func(*Call)

// With returns a context whose call is that of ctx, changed by the options in
// their order. The call of ctx itself stays as it is. It panics if an option is nil.
func With(ctx context.Context, opts ...Option) context.Context {
	next := &carrying{Context: ctx}
	if c := From(ctx); c != nil {
		next.call = *c
	}
	next.call.apply(opts)
	return next
}

func (c *Call) apply(opts []Option) {
	for i, opt := range opts {
		if opt == nil {
			panic("call: option " + strconv.Itoa(i+1) + " is nil")
		}
		opt(c)
	}
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
