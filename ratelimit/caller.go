package ratelimit

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/dowelkit/dowel/call"
)

// CallerKey returns who makes the call of ctx: the authenticated caller, or, if
// there is none, the network of the peer's address. That is the host of an IPv4
// address and the /64 of an IPv6 address, since a single host there has 2⁶⁴
// addresses to call from. Behind a proxy every peer is the proxy, so set
// [call.Caller] or another [KeyFunc] there. It returns "" if neither is known.
//
// No caller has the key of another, nor of a network: a name that could be taken for
// an address has "caller " before it, and a peer that is no address has "peer ".
func CallerKey(ctx context.Context) string {
	c := call.From(ctx)
	if caller := c.Caller(); caller != "" {
		if ambiguous(caller) {
			return callerPrefix + caller
		}
		return caller
	}
	return network(c.Peer())
}

const callerPrefix, peerPrefix = "caller ", "peer "

// ambiguous reports whether a name may be a key of another kind: nothing but digits,
// and what else addresses and prefixes consist of, or one with a prefix of ours.
func ambiguous(name string) bool {
	return strings.HasPrefix(name, callerPrefix) || strings.HasPrefix(name, peerPrefix) ||
		strings.ContainsAny(name, ".:") && strings.Trim(name, "0123456789abcdef.:/") == ""
}

func network(peer string) string {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		host = peer
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return ""
	case err != nil:
		return peerPrefix + host
	case addr.Is4():
		return host
	}
	if addr.Is4In6() {
		return addr.WithZone("").Unmap().String()
	}
	prefix, _ := addr.Prefix(64) // without the zone; every IPv6 address has one
	return prefix.String()
}
