package etcd

import (
	"context"

	"github.com/dowelkit/dowel/sd"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Registrar is an [sd.Registrar] that writes entries under one prefix in etcd, each
// with a lease and a heartbeat of its own. It is safe for concurrent use and made by
// [NewRegistrar]: the zero value is of no use.
type Registrar struct {
	registry *registry
	place    place
	options  registerOptions
}

// NewRegistrar returns a Registrar that writes under prefix, as [NewInstancer] reads
// there. It does not talk to etcd yet. The client stays the caller's, and has to
// stay open until the registrations have ended.
//
// A malformed prefix is an error. NewRegistrar panics if client is nil, has no
// connection or is wrapped by package namespace or the like, and if an option is nil
// or out of range.
func NewRegistrar(client *clientv3.Client, prefix string, opts ...RegisterOption) (*Registrar, error) {
	var m misuse
	r := &Registrar{registry: newRegistry(&m, client), options: newRegisterOptions(&m, opts)}
	m.refuse("NewRegistrar")
	var err error
	if r.place, err = newPlace(prefix); err != nil {
		return nil, err
	}
	return r, nil
}

// Register implements [sd.Registrar]; see [sd.Keep]. An entry that is there already
// under the ID of in is taken over, as a process does that was started again with
// what its predecessor left. What does not fit into an entry of 64 KiB of JSON is
// refused, and so is whatever etcd calls an invalid request or forbidden.
func (r *Registrar) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &entry{Registrar: r, line: r.registry.main, ttl: r.options.ttl}, r.options.keep...)
}
