package log

// The names of attributes. An attribute that has nothing to say is left out.
const (
	// On every record made with the context of a call.

	RequestIDKey     = "request_id"
	CorrelationIDKey = "correlation_id"
	RetriesKey       = "retries" // tries of this call before this one, if there were any

	// On the record that Calls makes, beside those.

	MethodKey   = "method"
	CodeKey     = "code"        // in lower snake case, "ok" included
	DurationKey = "duration_ms" // in milliseconds, to the microsecond
	PeerKey     = "peer"        // the caller's network address
	InstanceKey = "instance"    // the ID of the instance that was asked last
	AttemptsKey = "attempts"    // attempts at other services within the call, if more than one
	ErrorKey    = "error"       // with its cause
	StackKey    = "stack"       // of a panic
)
