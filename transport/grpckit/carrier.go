package grpckit

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/dowelkit/dowel/call"
)

// metadataKey returns the key of gRPC's metadata, which is in lower case, for the
// keys of every call without going through their letters.
func metadataKey(key string) string {
	switch key {
	case call.RequestIDKey:
		return "x-request-id"
	case call.CorrelationIDKey:
		return "x-correlation-id"
	case call.PriorityKey:
		return "x-request-priority"
	case call.RetriesKey:
		return "x-request-retries"
	case call.TraceparentKey:
		return "traceparent"
	case call.TracestateKey:
		return "tracestate"
	case call.BaggageKey:
		return "baggage"
	}
	return strings.ToLower(key)
}

// incoming lets a [call.Propagator] read the metadata of a call that came in.
type incoming struct{ ctx context.Context }

// incomings holds some for use again: a call needs its own for a moment only.
var incomings = sync.Pool{New: func() any { return new(incoming) }}

// valueOf returns the first of a key's values that is not empty. Trace state and
// baggage are lists, which a sender or a proxy may spread over several entries; they
// are joined.
func valueOf(key string, values []string) string {
	if len(values) > 1 && (key == "tracestate" || key == "baggage") {
		return strings.Join(values, ",")
	}
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// Get leaves out the time left: that is gRPC's own business, and known already.
func (c *incoming) Get(key string) string {
	if key == call.TimeoutKey {
		return ""
	}
	key = metadataKey(key)
	return valueOf(key, metadata.ValueFromIncomingContext(c.ctx, key))
}

// Set does nothing: what came in is not written to.
func (c *incoming) Set(string, string) {}

func (c *incoming) Keys() (keys []string) {
	md, _ := metadata.FromIncomingContext(c.ctx)
	for key := range md {
		keys = append(keys, key)
	}
	return keys
}

// outgoing collects what a Propagator adds to the metadata of a call that goes out.
type outgoing struct {
	present  metadata.MD // a copy of the user's own
	replaced bool        // some of it was deleted
	added    []string    // key, value, key, value
}

func (c *outgoing) Get(key string) string {
	key = metadataKey(key)
	if value := valueOf(key, c.present[key]); value != "" {
		return value
	}
	if i := c.find(key); i >= 0 {
		return c.added[i+1]
	}
	return ""
}

// isMetadataKey reports whether a key, in lower case, may be one of metadata: that may
// have fewer characters than a header name, and gRPC keeps some keys to itself or takes
// their values for binary. A call with one that is of a connection is malformed.
func isMetadataKey(key string) bool {
	for i := range len(key) {
		b := key[i]
		if ('a' > b || b > 'z') && ('0' > b || b > '9') && b != '-' && b != '_' && b != '.' {
			return false
		}
	}
	switch key {
	case "", "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade": // RFC 9113, section 8.2.2
		return false
	}
	return !strings.HasPrefix(key, "grpc-") && !strings.HasSuffix(key, "-bin")
}

// find returns where a key that was added is, or less than 0.
func (c *outgoing) find(key string) int {
	for i := 0; i < len(c.added); i += 2 {
		if c.added[i] == key {
			return i
		}
	}
	return -1
}

// Set replaces what is there, the user's own too: an injector writes what is current,
// and of two values a server would take the first. An empty value is none. What a
// Propagator writes by itself it does not set if it is there. A key that gRPC would not
// take is left out: the whole call would fail for it.
func (c *outgoing) Set(key, value string) {
	key = metadataKey(key)
	if !isMetadataKey(key) {
		return
	}
	if _, there := c.present[key]; there {
		delete(c.present, key)
		c.replaced = true
	}
	switch i := c.find(key); {
	case value == "" && i >= 0:
		c.added = slices.Delete(c.added, i, i+2)
	case value == "": // nothing of it is left
	case i >= 0:
		c.added[i+1] = value
	default:
		c.added = append(c.added, key, value)
	}
}

// context returns a context with the metadata that goes out.
func (c *outgoing) context(ctx context.Context) context.Context {
	if c.replaced {
		ctx = metadata.NewOutgoingContext(ctx, c.present)
	}
	if len(c.added) > 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, c.added...)
	}
	return ctx
}

func (c *outgoing) Keys() (keys []string) {
	for key := range c.present {
		keys = append(keys, key)
	}
	for i := 0; i < len(c.added); i += 2 {
		keys = append(keys, c.added[i])
	}
	return keys
}

// timeless hides the deadline of a call from a Propagator: gRPC sends it by itself.
type timeless struct{ *outbound }

func (timeless) Deadline() (time.Time, bool) { return time.Time{}, false }
