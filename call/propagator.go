package call

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Carrier is the headers, metadata or properties of a message on some wire. Keys
// are compared without regard to case. It has the methods of OpenTelemetry's
// TextMapCarrier, so whatever fits that fits this.
type Carrier interface {
	// Get returns the first value of key, or "".
	Get(key string) string
	// Set replaces every value of key.
	Set(key, value string)
	// Keys returns the keys that are present.
	Keys() []string
}

// The keys under which a call travels, on any wire.
const (
	RequestIDKey     = "X-Request-Id"
	CorrelationIDKey = "X-Correlation-Id"
	// TimeoutKey carries what is left of the deadline, in milliseconds.
	TimeoutKey  = "X-Request-Timeout-Ms"
	PriorityKey = "X-Request-Priority"
	// RetriesKey carries how many tries came before this one.
	RetriesKey = "X-Request-Retries"
	// TraceparentKey and TracestateKey are W3C trace context, BaggageKey is W3C
	// baggage. They pass through untouched.
	TraceparentKey = "Traceparent"
	TracestateKey  = "Tracestate"
	BaggageKey     = "Baggage"
)

// Bounds on what is believed of an incoming call. What exceeds them is left out.
const (
	MaxIDLen      = 128  // bytes of a request or correlation ID
	MaxValueLen   = 1024 // bytes of a value of the user's own
	MaxTraceLen   = 8192 // bytes of a W3C header; the baggage RFC asks for 8192
	MaxTimeout    = 24 * time.Hour
	maxRetriesLen = 3
)

var traceKeys = [...]string{TraceparentKey, TracestateKey, BaggageKey}

// Propagator moves the call between a context and a [Carrier]. It is safe for
// concurrent use; the zero value allows no keys of the user's own.
type Propagator struct {
	allowed []string // canonical
}

// NewPropagator returns a Propagator that keeps, of the keys of the user's own
// in an incoming call, those allowed. Names are header names: it panics if one
// is empty or has a character that an HTTP header name may not have, or if it
// is one of this package's own.
func NewPropagator(allow ...string) *Propagator {
	p := &Propagator{}
	var faults []string
	for _, key := range allow {
		k := canonical(key)
		switch {
		case !validKey(k):
			faults = append(faults, strconv.Quote(key)+" is not a header name")
		case reserved(k):
			faults = append(faults, strconv.Quote(key)+" is reserved")
		case !slices.Contains(p.allowed, k):
			p.allowed = append(p.allowed, k)
		}
	}
	if len(faults) > 0 {
		panic("call: NewPropagator: " + strings.Join(faults, "; "))
	}
	return p
}

// Extract returns a context with what the carrier says of an incoming call, and
// a function that releases the timer of its deadline, if it has one. What ctx
// says already of another call is replaced.
//
// A value that is too long or has a character other than visible ASCII and
// inner spaces is left out, as if it were absent. A request ID is made if there
// is none.
func (p *Propagator) Extract(ctx context.Context, in Carrier) (context.Context, context.CancelFunc) {
	c := &Call{
		requestID:     clean(in.Get(RequestIDKey), MaxIDLen),
		correlationID: clean(in.Get(CorrelationIDKey), MaxIDLen),
	}
	if c.requestID == "" {
		c.requestID = NewRequestID()
	}
	if text := in.Get(PriorityKey); text != "" {
		c.criticality, _ = ParseCriticality(text)
	}
	if text := in.Get(RetriesKey); text != "" && len(text) <= maxRetriesLen {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			c.retries = int(n)
		}
	}
	for _, key := range traceKeys {
		c.keep(canonical(key), clean(in.Get(key), MaxTraceLen))
	}
	for _, key := range p.allowed {
		c.keep(key, clean(in.Get(key), MaxValueLen))
	}
	ctx = context.WithValue(ctx, contextKey{}, c)
	if left, ok := parseTimeout(in.Get(TimeoutKey)); ok {
		return context.WithTimeout(ctx, left)
	}
	return ctx, func() {}
}

// keep sets a value during Extract, while the call is not yet shared.
func (c *Call) keep(key, value string) {
	if value == "" {
		return
	}
	if c.values == nil {
		c.values = make(map[string]string, 4)
	}
	c.values[key] = value
}

// Inject writes the call of ctx to the carrier of an outgoing call: IDs,
// priority if it is not the default, retry mark, what is left of the deadline,
// trace context and the keys of the user's own. A key that the carrier has
// already is the user's, and stays.
func (p *Propagator) Inject(ctx context.Context, out Carrier) {
	if deadline, ok := ctx.Deadline(); ok {
		set(out, TimeoutKey, formatTimeout(time.Until(deadline)))
	}
	c := From(ctx)
	if c == nil {
		return
	}
	set(out, RequestIDKey, clean(c.requestID, MaxIDLen))
	set(out, CorrelationIDKey, clean(c.correlationID, MaxIDLen))
	if c.criticality != Critical {
		set(out, PriorityKey, c.criticality.String())
	}
	if n := c.Retries(); n > 0 {
		set(out, RetriesKey, strconv.Itoa(min(n, 999)))
	}
	for key, value := range c.values {
		limit := MaxValueLen
		if reserved(key) {
			limit = MaxTraceLen
		}
		if validKey(key) {
			set(out, key, clean(value, limit))
		}
	}
}

func set(out Carrier, key, value string) {
	if value != "" && out.Get(key) == "" {
		out.Set(key, value)
	}
}

// NewRequestID returns 128 random bits in hexadecimal.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}
