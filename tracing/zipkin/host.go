package zipkin

import (
	"net/netip"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// host is one end of a call.
type host struct {
	ServiceName string `json:"serviceName,omitempty"`
	IPv4        string `json:"ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	Port        uint16 `json:"port,omitempty"`
}

func local(s sdk.ReadOnlySpan) *host {
	if r := s.Resource(); r != nil {
		if name := find(r.Attributes(), semconv.ServiceNameKey); name != "" {
			return &host{ServiceName: name}
		}
	}
	return nil
}

// remote returns whom a client called or who called a server, as far as attributes
// tell.
func remote(s sdk.ReadOnlySpan) *host {
	attrs := s.Attributes()
	switch s.SpanKind() {
	case trace.SpanKindClient, trace.SpanKindProducer:
		if h := at(attrs, semconv.ServerAddressKey, semconv.ServerPortKey); h != nil {
			return h
		}
	case trace.SpanKindServer, trace.SpanKindConsumer:
	default:
		return nil
	}
	return at(attrs, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey)
}

// at puts an address where Zipkin looks for it: what is no IP address is a name.
func at(attrs []attribute.KeyValue, address, port attribute.Key) *host {
	text := find(attrs, address)
	if text == "" {
		return nil
	}
	h := &host{}
	switch ip, err := netip.ParseAddr(text); {
	case err != nil:
		h.ServiceName = text
	case ip.Unmap().Is4():
		h.IPv4 = ip.Unmap().String()
	default:
		h.IPv6 = ip.WithZone("").String()
	}
	if n, err := strconv.ParseUint(find(attrs, port), 10, 16); err == nil {
		h.Port = uint16(n)
	}
	return h
}
