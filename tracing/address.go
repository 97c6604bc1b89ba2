package tracing

import (
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// names are those of an address and of its port.
type names struct{ address, port attribute.Key }

var (
	serverAddress = names{semconv.ServerAddressKey, semconv.ServerPortKey}
	peerAddress   = names{semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey}
)

// appendAddress appends an address of the form host:port. What has another form is
// no address, but the ID that somebody gave an instance.
func appendAddress(attrs []attribute.KeyValue, addr string, n names) []attribute.KeyValue {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return attrs
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return attrs
	}
	return append(attrs, n.address.String(host), n.port.Int(int(port)))
}
