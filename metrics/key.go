package metrics

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The Go source of every metric, and the version of the conventions it follows.
const (
	scope  = "github.com/dowelkit/dowel/metrics"
	schema = semconv.SchemaURL
)

// system is rpc.system.name: the calls are the toolkit's own, whatever the wire.
var system = semconv.RPCSystemNameKey.String("dowel")

// codeNames are the codes as gRPC spells them, which the conventions ask for.
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// method is what every measurement of a method has.
func method(name string, more []attribute.KeyValue) []attribute.KeyValue {
	return append([]attribute.KeyValue{system, semconv.RPCMethod(name)}, more...)
}
