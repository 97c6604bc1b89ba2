package call

// Carrier is the headers, metadata or properties of a message on some wire. Keys
// are compared without regard to case; this package writes them as in
// "X-Request-Id". A Carrier is used by one goroutine at a time. It has the methods
// of OpenTelemetry's TextMapCarrier, so whatever fits that fits this.
type Carrier interface {
	// Get returns the first value of key that is not empty, or "".
	Get(key string) string
	// Set replaces every value of key. An empty value is no value: it takes the key out, or
	// is taken for that by whoever reads it.
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
