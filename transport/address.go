package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// fill completes the address of each instance from the one that the server
// listens at.
func (s *service) fill(bound net.Addr) error {
	var faults []error
	for i := range s.places {
		in := &s.places[i].in
		addr, err := complete(in.Addr, bound)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		in.Addr = addr
		faults = append(faults, in.Validate())
	}
	return errors.Join(faults...)
}

func complete(addr string, bound net.Addr) (string, error) {
	var host, port string
	if addr != "" {
		var err error
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return "", fmt.Errorf("the address %q of the instance is not host:port", addr)
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsUnspecified() {
		host = ""
	}
	if host != "" && port != "" && port != "0" {
		return addr, nil
	}
	at, err := netip.ParseAddrPort(bound.String())
	if err != nil {
		return "", fmt.Errorf("the address %q of the instance cannot be completed from %s", addr, bound)
	}
	if port == "" || port == "0" {
		port = fmt.Sprint(at.Port())
	}
	if host == "" {
		host = reachable(at.Addr()).String()
	}
	return net.JoinHostPort(host, port), nil
}

// reachable returns the address under which others may reach what listens at addr.
func reachable(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if !addr.IsUnspecified() {
		return addr
	}
	var v6 netip.Addr
	for _, ip := range ownAddrs() {
		switch {
		case !ip.IsGlobalUnicast(): // loopback or link-local
		case ip.Is4():
			return ip
		case !v6.IsValid():
			v6 = ip
		}
	}
	if v6.IsValid() && addr.Is6() {
		return v6
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// ownAddrs returns the addresses of the interfaces that are up and connected. It
// leaves out what cannot be read, as on a machine without a network.
func ownAddrs() (own []netip.Addr) {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagRunning == 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, prefix.Addr().Unmap())
			}
		}
	}
	return own
}
