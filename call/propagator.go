package call

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Propagator moves the call between a context and a [Carrier]. It is immutable
// and safe for concurrent use; the zero value allows no keys of the user's own.
type Propagator struct {
	fields []field // sorted by key; nil stands for traceFields
}

var traceFields = sorted([]field{fieldOf(TraceparentKey), fieldOf(TracestateKey), fieldOf(BaggageKey)})

func sorted(fields []field) []field {
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	return slices.CompactFunc(fields, func(a, b field) bool { return a.key == b.key })
}

// NewPropagator returns a Propagator that keeps, of the keys of the user's own
// in an incoming call, those allowed. Names are header names: it panics if one
// is empty, longer than [MaxIDLen] or has a character that an HTTP header name
// may not have, or if it is one of this package's own. The panic names them all.
func NewPropagator(allow ...string) *Propagator {
	fields := slices.Clone(traceFields)
	var faults []string
	for _, key := range allow {
		f := fieldOf(key)
		switch {
		case !validKey(f.key):
			faults = append(faults, fmt.Sprintf("%.40q is not a header name", key))
		case f.limit != MaxValueLen:
			faults = append(faults, fmt.Sprintf("%q is reserved", key))
		}
		fields = append(fields, f)
	}
	if len(faults) > 0 {
		panic("call: NewPropagator: " + strings.Join(faults, "; "))
	}
	return &Propagator{sorted(fields)}
}

// Extract returns a context with what the carrier says of an incoming call,
// changed by the options, and a function that releases the timer of its deadline,
// if it has one. What ctx says already of another call is replaced.
//
// A value that is too long or has a character other than visible ASCII and
// inner spaces is left out, as if it were absent. A request ID is made if there
// is none.
func (p *Propagator) Extract(ctx context.Context, in Carrier, opts ...Option) (context.Context, context.CancelFunc) {
	next, cancel := carry(ctx, in.Get(TimeoutKey))
	c := &next.call
	c.requestID = clean(in.Get(RequestIDKey), MaxIDLen)
	c.correlationID = clean(in.Get(CorrelationIDKey), MaxIDLen)
	c.retries = parseRetries(in.Get(RetriesKey))
	if text := in.Get(PriorityKey); text != "" {
		c.criticality, _ = ParseCriticality(text)
	}
	c.values = p.values(in)
	c.apply(opts)
	if c.requestID == "" {
		c.requestID = NewRequestID()
	}
	return next, cancel
}

// carry returns a context for a call, with its deadline if it has one, in one
// allocation.
func carry(ctx context.Context, timeout string) (*carrying, context.CancelFunc) {
	left, ok := parseTimeout(timeout)
	if !ok {
		return &carrying{Context: ctx}, func() {}
	}
	next := &struct {
		carrying
		timed timed
	}{timed: timed{Context: ctx, deadline: time.Now().Add(left)}}
	next.Context = &next.timed
	return &next.carrying, next.timed.cancel
}

func (p *Propagator) values(in Carrier) (found values) {
	fields := p.fields
	if fields == nil {
		fields = traceFields
	}
	for _, f := range fields {
		if text := clean(in.Get(f.name), f.limit); text != "" {
			if found == nil {
				found = make(values, 0, min(len(fields), 4))
			}
			found = append(found, value{f, text})
		}
	}
	return found
}

// Inject writes the call of ctx to the carrier of an outgoing call: IDs,
// priority if it is not the default, retry mark, what is left of the deadline,
// trace context and the keys of the user's own. A key that the carrier has
// already, with a value that is not empty, is the user's and stays, but for what
// an [Injector] writes anew; see [InjectedBy]. What Extract would not believe is
// not written.
func (p *Propagator) Inject(ctx context.Context, out Carrier) {
	if deadline, ok := ctx.Deadline(); ok {
		set(out, TimeoutKey, formatTimeout(time.Until(deadline)))
	}
	c := From(ctx)
	if c == nil {
		return
	}
	if c.injector != nil {
		c.injector.Inject(ctx, out)
	}
	set(out, RequestIDKey, clean(c.requestID, MaxIDLen))
	set(out, CorrelationIDKey, clean(c.correlationID, MaxIDLen))
	if c.criticality != Critical && c.criticality.known() {
		set(out, PriorityKey, c.criticality.String())
	}
	if n := c.Retries(); n > 0 {
		set(out, RetriesKey, strconv.Itoa(min(n, maxRetries)))
	}
	for _, v := range c.values {
		if c.injector != nil && c.injector.Replaces(v.key) {
			continue
		}
		set(out, v.name, clean(v.text, v.limit))
	}
}

func set(out Carrier, key, value string) {
	if value != "" && out.Get(key) == "" {
		out.Set(key, value)
	}
}
