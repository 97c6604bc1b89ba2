package httpkit

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dowelkit/dowel/call"
)

// headerCarrier lets a [call.Propagator] read and write HTTP headers.
type headerCarrier http.Header

// Get returns the first value of key that is not empty. Trace state and baggage are
// lists, which a sender or a proxy may spread over several lines; they are joined.
func (c headerCarrier) Get(key string) string {
	values, ok := c[key]
	if !ok {
		if canonical := canonicalKey(key); canonical != key {
			key, values = canonical, c[canonical]
		}
	}
	if len(values) > 1 && (key == call.TracestateKey || key == call.BaggageKey) {
		return strings.Join(values, ",")
	}
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

func (c headerCarrier) Set(key, value string) {
	if value == "" {
		delete(c, canonicalKey(key))
		return
	}
	c[canonicalKey(key)] = []string{value}
}

// canonicalKey is [http.CanonicalHeaderKey], for the keys that are looked for in
// every request without going through their letters.
func canonicalKey(key string) string {
	switch key {
	case call.RequestIDKey, call.CorrelationIDKey, call.TimeoutKey, call.PriorityKey, call.RetriesKey,
		call.TraceparentKey, call.TracestateKey, call.BaggageKey:
		return key
	}
	return http.CanonicalHeaderKey(key)
}

func (c headerCarrier) Keys() []string { return slices.Collect(maps.Keys(c)) }
