package consul

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// Registrar is an [sd.Registrar] of one service in Consul. It is safe for concurrent
// use and made by [NewRegistrar]: the zero value is of no use.
type Registrar struct {
	agent   *api.Agent
	service string
	options registerOptions
}

// NewRegistrar returns a Registrar of the service of that name. It does not talk to
// Consul yet. The client stays the caller's and should talk to the agent of this
// machine, always the same: an agent knows only what was registered with itself.
//
// The error names every fault of the name and of the options' texts. NewRegistrar
// panics if client or an option is nil or the number of an option is out of range.
func NewRegistrar(client *api.Client, service string, opts ...RegisterOption) (*Registrar, error) {
	var m misuse
	m.add(client == nil, "client is nil")
	o, err := newRegisterOptions(&m, opts)
	m.refuse("NewRegistrar")
	if err := errors.Join(checkName(service), err); err != nil {
		return nil, err
	}
	return &Registrar{agent: client.Agent(), service: service, options: o}, nil
}

// Register implements [sd.Registrar]. It returns once the agent has the instance; the
// agent tells Consul's servers within milliseconds, or as soon as it reaches them.
//
// Beyond what [sd.Instance.Validate] asks, Consul takes no weight above 65535 and no
// ID, zone or value of Meta above 512 bytes; the keys of Meta are of ASCII letters,
// digits, hyphens and underscores, 128 at most, and there may be 61 of them.
func (r *Registrar) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &entry{
		registrar: r,
		nonce:     rand.Text()[:10],
		since:     time.Now().UTC(),
	}, r.options.keep...)
}
