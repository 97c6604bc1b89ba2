package ratelimit_test

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/ratelimit"
)

func TestCallerKey(t *testing.T) {
	for _, tt := range []struct{ caller, peer, want string }{
		{"ann", "192.0.2.1:5000", "ann"},
		{"", "192.0.2.1:5000", "192.0.2.1"},
		{"", "192.0.2.1", "192.0.2.1"},
		{"", "[::ffff:192.0.2.1]:5000", "192.0.2.1"},
		{"", "[2001:db8:1:2:3:4:5:6]:5000", "2001:db8:1:2::/64"},
		{"", "2001:db8:1:2::9", "2001:db8:1:2::/64"},
		{"", "[fe80::1%eth0]:5000", "fe80::/64"},
		{"", "client.example:5000", "peer client.example"},
		{"", "@", "peer @"},
		{"", "", ""},
	} {
		ctx := call.With(t.Context(), call.Caller(tt.caller), call.Peer(tt.peer))
		if got := ratelimit.CallerKey(ctx); got != tt.want {
			t.Errorf("caller %q, peer %q: got %q, want %q", tt.caller, tt.peer, got, tt.want)
		}
	}
	if got := ratelimit.CallerKey(context.Background()); got != "" {
		t.Errorf("without a call: %q", got)
	}
}

// Whoever calls himself what the key of a host is shares it with no host, and no two
// callers share one.
func TestCallerKeyOfANameLikeAHost(t *testing.T) {
	seen := map[string]string{}
	note := func(who string, opt call.Option) {
		key := ratelimit.CallerKey(call.With(t.Context(), opt))
		if other, taken := seen[key]; taken {
			t.Errorf("%s and %s have the key %q", other, who, key)
		}
		seen[key] = who
	}
	for _, peer := range []string{"192.0.2.1:5000", "[2001:db8:1:2:3:4:5:6]:5000", "[::1]:1", "client.example:5000", "@"} {
		note("the host "+peer, call.Peer(peer))
	}
	names := []string{"ann", "client.example", "@", "abc", "1e5"}
	for key := range maps.Clone(seen) {
		names = append(names, key)
	}
	for _, name := range names {
		for _, name := range []string{name, "caller " + name, "caller caller " + name} {
			note("the caller "+name, call.Caller(name))
		}
	}
	if key := ratelimit.CallerKey(call.With(t.Context(), call.Caller("ann"))); key != "ann" {
		t.Errorf("ann has the key %q", key)
	}
}

// A peer has one key whatever its port, in whatever form its address is written,
// and an IPv6 peer whatever the lower half of its address.
func FuzzCallerKey(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, uint64(0), uint16(1), uint16(2))
	f.Add([]byte{0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9}, uint64(7), uint16(1), uint16(2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}, uint64(7), uint16(1), uint16(2))
	key := func(peer string) string {
		return ratelimit.CallerKey(call.With(context.Background(), call.Peer(peer)))
	}
	f.Fuzz(func(t *testing.T, ip []byte, lower uint64, port, other uint16) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok {
			text := net.JoinHostPort(string(ip), strconv.Itoa(int(port)))
			if _, err := netip.ParseAddrPort(text); err != nil {
				_ = key(string(ip)) // no address: any key will do
			}
			return
		}
		want := key(netip.AddrPortFrom(addr, port).String())
		same := []netip.Addr{addr, addr.Unmap()}
		if addr.Is6() && !addr.Is4In6() {
			neighbour := addr.As16()
			for i := range 8 {
				neighbour[8+i] ^= byte(lower >> (8 * i))
			}
			if a := netip.AddrFrom16(neighbour); !a.Is4In6() {
				same = append(same, a, a.WithZone("eth0"))
			}
		}
		for _, a := range same {
			for _, form := range []string{netip.AddrPortFrom(a, other).String(), a.String(), net.JoinHostPort(a.StringExpanded(), "1")} {
				if got := key(form); got != want {
					t.Errorf("peer %s has key %q, peer %s port %d has %q", form, got, addr, port, want)
				}
			}
		}
		if prefix, err := netip.ParsePrefix(want); err == nil && (prefix.Bits() != 64 || !prefix.Contains(addr.WithZone(""))) {
			t.Errorf("key %q for %s", want, addr)
		}
	})
}
