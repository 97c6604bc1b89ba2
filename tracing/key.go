package tracing

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Attributes that the semantic conventions have no name for. An attribute that has
// nothing to say is left out.
const (
	InstanceKey = attribute.Key("dowel.instance") // the ID of the instance that was asked last
	AttemptKey  = attribute.Key("dowel.attempt")  // which attempt the span is, from the second on
	AttemptsKey = attribute.Key("dowel.attempts") // how many attempts the call took, if more than one
	RetriesKey  = attribute.Key("dowel.retries")  // tries that the hops before have made, if any
	ReasonKey   = attribute.Key("dowel.reason")   // the Reason of an endpoint.Error
)

// The Go source of every span, and the version of the conventions it follows.
const (
	scope  = "github.com/dowelkit/dowel/tracing"
	schema = semconv.SchemaURL
)

// system is rpc.system.name: the calls are the toolkit's own, whatever the wire.
var system = semconv.RPCSystemNameKey.String("dowel")
