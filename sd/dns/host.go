package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/dowelkit/dowel/sd"
)

// NewHostInstancer returns an Instancer of the addresses (A and AAAA records) of
// a host, each with the given port: what a headless service of Kubernetes offers,
// for instance. An address in place of the name is the one instance. With a final
// dot the name is absolute; without one the resolver may try its search domains, and
// if a server refuses one of its questions that may be lost among the other answers.
//
// The addresses 0.0.0.0 and ::, with which some filters answer for a name that they
// block, are skipped. An answer of nothing else is an error.
//
// The error names every fault of the name, the port and the options.
func NewHostInstancer(name string, port int, opts ...Option) (*Instancer, error) {
	i, err := newInstancer(name, opts)
	faults := []error{err}
	switch a, err := netip.ParseAddr(name); {
	case err != nil:
		faults = append(faults, validName(name))
	case a.WithZone("").Unmap().IsUnspecified():
		faults = append(faults, fmt.Errorf("dns: nobody is reached at the address %s", name))
	}
	if port < 1 || port > 65535 {
		faults = append(faults, fmt.Errorf("dns: port %d is not from 1 to 65535", port))
	}
	if i.all {
		faults = append(faults, errors.New("dns: AllPriorities is for NewInstancer only"))
	}
	switch i.network {
	case "":
		i.network = "ip"
	case "ip", "ip4", "ip6":
	default:
		faults = append(faults, fmt.Errorf("dns: Network must be ip, ip4 or ip6, not %q", i.network))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	i.find = func(ctx context.Context) ([]sd.Instance, error) { return i.findHost(ctx, uint16(port)) }
	return i, nil
}

func (i *Instancer) findHost(ctx context.Context, port uint16) ([]sd.Instance, error) {
	addrs, err := i.lookUpAddrs(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]sd.Instance, 0, len(addrs))
	for _, a := range addrs {
		// An IPv4 address may come in its IPv6 form, and must not be another one.
		in := sd.Instance{Addr: netip.AddrPortFrom(a.Unmap(), port).String()}
		if in.Validate() == nil {
			found = append(found, in)
		}
	}
	if len(found) == 0 && len(addrs) > 0 {
		return nil, fmt.Errorf("the answer for %s has no usable address among %d", i.name, len(addrs))
	}
	return found, nil
}

// lookUpAddrs asks for each family by itself where it can. A net.Resolver that asks for
// both takes the refusal of one for none if the other has none either, and says of
// neither that it was refused. But with search domains, of which the first that has an
// address wins, it must be one question: two might be answered from two domains.
func (i *Instancer) lookUpAddrs(ctx context.Context) ([]netip.Addr, error) {
	if i.network != "ip" || !strings.HasSuffix(i.name, ".") {
		return i.resolver.LookupNetIP(ctx, i.network, i.name)
	}
	var all []netip.Addr
	for _, family := range []string{"ip4", "ip6"} {
		addrs, err := i.resolver.LookupNetIP(ctx, family, i.name)
		// An AddrError is that a file of hosts knows the other family only.
		if _, other := errors.AsType[*net.AddrError](err); err != nil && !other && !none(err) {
			return nil, err
		}
		all = append(all, addrs...)
	}
	return all, nil
}
