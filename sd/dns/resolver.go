package dns

import (
	"context"
	"net"
	"net/netip"
)

// Resolver is what an Instancer needs of a resolver; [net.Resolver] is one. It
// must be safe for concurrent use and return promptly when its context is done. An
// error that says that there are no such records is a [net.DNSError] with
// IsNotFound.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// interruptible returns a resolver like r whose lookups end when their context is
// cancelled. Those of net.Resolver heed only its deadline once they wait for a
// server, which would hold the end of a watch up for seconds.
func interruptible(r *net.Resolver) *net.Resolver {
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &net.Resolver{
		PreferGo:     r.PreferGo,
		StrictErrors: r.StrictErrors,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil {
				// The resolver cancels ctx also when it has done with conn.
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		},
	}
}
