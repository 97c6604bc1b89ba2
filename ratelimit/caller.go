package ratelimit

import (
	"context"
	"net"
	"net/netip"

	"github.com/dowelkit/dowel/call"
)

// CallerKey returns who makes the call of ctx: the authenticated caller, or, if
// there is none, the network of the peer's address. That is the host of an IPv4
// address and the /64 of an IPv6 address, since a single host there has 2⁶⁴
// addresses to call from. Behind a proxy every peer is the proxy, so set
// [call.Caller] or another [KeyFunc] there. It returns "" if neither is known.
func CallerKey(ctx context.Context) string {
	c := call.From(ctx)
	if caller := c.Caller(); caller != "" {
		return caller
	}
	return network(c.Peer())
}

func network(peer string) string {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		host = peer
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() {
		return host
	}
	if addr.Is4In6() {
		return addr.WithZone("").Unmap().String()
	}
	prefix, _ := addr.Prefix(64) // without the zone; every IPv6 address has one
	return prefix.String()
}
