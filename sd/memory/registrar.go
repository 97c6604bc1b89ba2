package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// Option changes how a Registrar registers.
type Option func(*registrar)

// TTL gives each registration a lease: the registrant renews it three times per
// d, and an instance whose registrant died without a word is gone after d. The
// default, also for zero, is no lease: an instance stays until it is
// deregistered.
func TTL(d time.Duration) Option { return func(r *registrar) { r.ttl = d } }

// Keep changes how registrations are supervised; see [sd.Keep].
func Keep(opts ...sd.KeepOption) Option {
	return func(r *registrar) { r.keep = append(r.keep, slices.Clone(opts)...) }
}

// Registrar returns the registrar of a service. An instance whose ID is taken
// replaces the one that is there, as its successor. It panics if the name is
// empty, is not UTF-8, or holds a space or a control character, if the TTL is
// negative, and if an option is nil.
func (r *Registry) Registrar(service string, opts ...Option) sd.Registrar {
	return r.direct.Registrar(service, opts...)
}

// Registrar is like [Registry.Registrar], by way of the client.
func (c *Client) Registrar(service string, opts ...Option) sd.Registrar {
	g := &registrar{client: c}
	var faults []string
	if err := checkName(service); err != nil {
		faults = append(faults, err.Error())
	}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Sprintf("option %d is nil", i+1))
			continue
		}
		opt(g)
	}
	if g.ttl < 0 {
		faults = append(faults, fmt.Sprintf("the TTL %v is negative", g.ttl))
	}
	if len(faults) > 0 {
		panic("memory: Registrar: " + strings.Join(faults, "; "))
	}
	g.service = c.registry.service(service)
	return g
}

type registrar struct {
	client  *Client
	service *service
	ttl     time.Duration
	keep    []sd.KeepOption
}

// Register implements [sd.Registrar].
func (g *registrar) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	e := &entry{client: g.client, service: g.service, ttl: g.ttl, killed: make(chan struct{})}
	return sd.Keep(ctx, in, e, g.keep...)
}
