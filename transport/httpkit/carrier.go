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

// Get returns the first value of key. Trace state and baggage are lists, which a
// sender or a proxy may spread over several lines; they are joined.
func (c headerCarrier) Get(key string) string {
	values, ok := c[key]
	if !ok {
		if canonical := http.CanonicalHeaderKey(key); canonical != key {
			key, values = canonical, c[canonical]
		}
	}
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1 && (key == call.TracestateKey || key == call.BaggageKey):
		return strings.Join(values, ",")
	}
	return values[0]
}

func (c headerCarrier) Set(key, value string) { http.Header(c).Set(key, value) }

func (c headerCarrier) Keys() []string { return slices.Collect(maps.Keys(c)) }
