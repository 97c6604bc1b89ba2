package dns

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Option changes how an Instancer looks names up.
type Option func(*Instancer)

// Interval sets the time between two lookups. Each wait differs from it by up to
// a fifth, so that clients do not ask in step. It must be positive; the default is
// 30 s. A failed lookup is repeated sooner, with a backoff that begins at 1 s and
// ends at the interval.
func Interval(d time.Duration) Option { return func(i *Instancer) { i.interval = d } }

// Timeout bounds each lookup. It must be positive. The default is 15 s, which
// lets the standard resolver, with its 5 s per server, get to the third server.
func Timeout(d time.Duration) Option { return func(i *Instancer) { i.timeout = d } }

// WithResolver sets the resolver; it must not be nil. Of a [net.Resolver] a copy is
// used. The default is a net.Resolver with StrictErrors: without that it passes off
// a part of the addresses as all of them when the server fails for the others.
// Only Go's own resolver heeds that. Where the system has addresses looked up by the
// C library, as macOS does, set PreferGo too if a part must never pass for all.
func WithResolver(r Resolver) Option { return func(i *Instancer) { i.resolver = r } }

// AllPriorities makes the set of all SRV records, and not only of those with the
// lowest priority number, the most preferred. Each instance then has its number in
// Meta[MetaPriority]. It is for [NewInstancer] only.
func AllPriorities() Option { return func(i *Instancer) { i.all = true } }

// MetaPriority is the key under which AllPriorities puts the priority, in decimal.
const MetaPriority = "dns.priority"

// Network sets which addresses are looked up: "ip4", "ip6" or "ip" for both, the
// default. It is for [NewHostInstancer] only. Both is an error as long as a server
// refuses to tell of one of them, or fails to; "ip4" does not ask for the other one.
func Network(network string) Option { return func(i *Instancer) { i.network = network } }

// newInstancer also returns what is wrong with the options that both kinds know.
func newInstancer(name string, opts []Option) (*Instancer, error) {
	i := &Instancer{
		name: name, interval: 30 * time.Second, timeout: 15 * time.Second,
		resolver: &net.Resolver{StrictErrors: true},
	}
	var faults []error
	for n, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("dns: option %d is nil", n+1))
			continue
		}
		opt(i)
	}
	if i.interval <= 0 {
		faults = append(faults, fmt.Errorf("dns: Interval must be positive, not %v", i.interval))
	}
	if i.timeout <= 0 {
		faults = append(faults, fmt.Errorf("dns: Timeout must be positive, not %v", i.timeout))
	}
	switch r, ok := i.resolver.(*net.Resolver); {
	case i.resolver == nil, ok && r == nil:
		faults = append(faults, errors.New("dns: WithResolver is nil"))
	case ok:
		i.resolver = interruptible(r)
	}
	return i, errors.Join(faults...)
}
