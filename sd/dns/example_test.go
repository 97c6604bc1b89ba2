package dns_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/dns"
)

// zone is a resolver of fixed records, in place of a real one.
type zone struct{}

func (zone) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", []*net.SRV{
		{Target: "a.web.internal.", Port: 8080, Priority: 10, Weight: 75},
		{Target: "b.web.internal.", Port: 8080, Priority: 10, Weight: 25},
		{Target: "spare.web.internal.", Port: 8080, Priority: 20},
	}, nil
}

func (zone) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}, nil
}

func show(in sd.Instancer) {
	for set, err := range in.Watch(context.Background()) {
		for _, i := range set {
			fmt.Println(i.Addr, i.Weight)
		}
		if err != nil {
			fmt.Println(err)
		}
		break // a service goes on
	}
}

func ExampleNewInstancer() {
	instances, err := dns.NewInstancer("_http._tcp.web.internal", dns.WithResolver(zone{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	show(instances)
	// Output:
	// a.web.internal:8080 75
	// b.web.internal:8080 25
}

func ExampleNewHostInstancer() {
	instances, err := dns.NewHostInstancer("web.internal", 8080, dns.WithResolver(zone{}), dns.Interval(5*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	show(instances)
	// Output:
	// 192.0.2.1:8080 0
	// [2001:db8::1]:8080 0
}
