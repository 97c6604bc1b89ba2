package zookeeper

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// Registrar is an [sd.Registrar] that makes an ephemeral node below one path for
// each instance. It is safe for concurrent use. Use [NewRegistrar]: the zero value
// is of no use.
type Registrar struct {
	conn    *zk.Conn
	path    string
	acl     []zk.ACL
	parents bool
	keep    []sd.KeepOption
	pulse   *pulse
}

// RegisterOption changes how a Registrar registers.
type RegisterOption func(*Registrar)

// RegisterACL sets who may do what with the nodes that are made, parents included.
// It copies the list, which must not be empty. The default lets everybody do
// everything. What the list refers to, such as a digest, the user gives to the
// client with AddAuth.
func RegisterACL(acl ...zk.ACL) RegisterOption {
	return func(r *Registrar) { r.acl = slices.Clone(acl) }
}

// RegisterParents has the path made where it is not there, by persistent nodes that
// are never deleted. Without it a missing path is an error.
func RegisterParents() RegisterOption { return func(r *Registrar) { r.parents = true } }

// RegisterKeep changes how registrations are supervised; see [sd.Keep]. Without it
// delays are capped at 3 s. Beside an Update that fails, an outage is noticed between
// two attempts, after half a second: with delays that are all shorter the state has the
// error then, and goes on saying that the instance is registered. Register panics if
// one of them is out of range.
func RegisterKeep(opts ...sd.KeepOption) RegisterOption {
	return func(r *Registrar) { r.keep = append(r.keep, slices.Clone(opts)...) }
}

// NewRegistrar returns a Registrar for the instances below path, such as
// "/services/stringsvc".
//
// The client is used as it is and never closed. A malformed path is an error.
// NewRegistrar panics if the client is nil, or an option is nil or out of range.
func NewRegistrar(client *zk.Conn, path string, opts ...RegisterOption) (*Registrar, error) {
	r := &Registrar{conn: client, path: path, acl: zk.WorldACL(zk.PermAll), pulse: newPulse(client)}
	r.keep = []sd.KeepOption{sd.KeepBackoff(sd.Backoff{Cap: maxBackoff})}
	var faults []string
	if client == nil {
		faults = append(faults, "the client is nil")
	}
	for n, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Sprintf("option %d is nil", n+1))
			continue
		}
		opt(r)
	}
	if len(r.acl) == 0 {
		faults = append(faults, "RegisterACL is empty")
	}
	for n, opt := range r.keep {
		if opt == nil {
			faults = append(faults, fmt.Sprintf("option %d of RegisterKeep is nil", n))
		}
	}
	if len(faults) > 0 {
		panic("zookeeper: NewRegistrar: " + strings.Join(faults, "; "))
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return r, nil
}

// Register implements [sd.Registrar]. It returns at once, with the client's error,
// if the session has no permission, the client is closed, or the path is missing
// and [RegisterParents] is not given.
func (r *Registrar) Register(ctx context.Context, in sd.Instance) (*sd.Registration, error) {
	return sd.Keep(ctx, in, &entry{Registrar: r, link: newLink(r.pulse)}, r.keep...)
}
