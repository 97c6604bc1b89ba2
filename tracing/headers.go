package tracing

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"

	"github.com/dowelkit/dowel/call"
)

// The keys of B3, in one header and in several. See
// https://github.com/openzipkin/b3-propagation.
var b3Keys = []string{"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"}

// Headers returns the keys that the transport of a server must allow for p to read
// them from a call, for httpkit.Allow say. Those of W3C are none of them: they always
// travel. If p writes one form of B3, the keys of the other are among them, since
// callers may use either. Headers panics if p is nil.
func Headers(p propagation.TextMapPropagator) []string {
	if p == nil {
		panic("tracing: Headers: the propagator is nil")
	}
	return slices.DeleteFunc(keysOf(p), isW3C)
}

func isB3(key string) bool { return slices.Contains(b3Keys, key) }

func isW3C(key string) bool {
	return strings.EqualFold(key, call.TraceparentKey) || strings.EqualFold(key, call.TracestateKey) || isBaggage(key)
}

func isBaggage(key string) bool { return strings.EqualFold(key, call.BaggageKey) }
