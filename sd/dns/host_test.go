package dns_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/dowelkit/dowel/sd/dns"
)

func TestHostUnmapsAddresses(t *testing.T) {
	f := &fake{addrs: []netip.Addr{
		netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("192.0.2.1"), {},
		netip.MustParseAddr("fe80::1%eth0"),
	}}
	in := must(t)(dns.NewHostInstancer("web.test", 80, dns.WithResolver(f)))
	if got, want := look(t, in), "[192.0.2.1:80 [fe80::1%eth0]:80]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a filter answers for a name that it blocks is neither an instance nor an
// empty set.
func TestUnspecifiedAddressesAreSkipped(t *testing.T) {
	f := &fake{addrs: []netip.Addr{
		netip.IPv4Unspecified(), netip.MustParseAddr("::ffff:0.0.0.0"), netip.MustParseAddr("192.0.2.1"), netip.IPv6Unspecified(),
	}}
	f.set(nil, record(1, "0.0.0.0"), record(1, "a."))
	host := must(t)(dns.NewHostInstancer("web.test", 80, dns.WithResolver(f)))
	srv := must(t)(dns.NewInstancer("web.test", dns.WithResolver(f)))
	if got, want := look(t, host)+look(t, srv), "[192.0.2.1:80][a:80*1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f.addrs = []netip.Addr{netip.IPv4Unspecified()}
	if got, want := look(t, host), "error: dns: the answer for web.test has no usable address among 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, name := range []string{"0.0.0.0", "::", "::ffff:0.0.0.0", "::%eth0"} {
		if _, err := dns.NewHostInstancer(name, 80); err == nil {
			t.Errorf("the name %s is accepted", name)
		}
	}
}

func TestHostThatIsAnAddress(t *testing.T) {
	for addr, want := range map[string]string{"192.0.2.1": "[192.0.2.1:80]", "2001:db8::1": "[[2001:db8::1]:80]"} {
		in := must(t)(dns.NewHostInstancer(addr, 80))
		if got := look(t, in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// hosts is a resolver with a file of hosts, which holds one family.
type hosts struct{ shared }

func (hosts) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestHostOfOneFamilyInAFile(t *testing.T) {
	in := must(t)(dns.NewHostInstancer("web.test.", 80, dns.WithResolver(hosts{})))
	if got, want := look(t, in), "[127.0.0.1:80]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
