package zookeeper

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// Instancer is an [sd.Instancer] of the children of one node. It is safe for
// concurrent use; each watch reads for itself, so put sd.Share round it where there
// are several. Make one for a service and keep it: what a watch that ended has set
// in the client, the next watch of the same Instancer uses again, and nobody else.
// Use [NewInstancer]: the zero value is of no use.
type Instancer struct {
	conn    *zk.Conn
	path    string
	reads   int
	backoff sd.Backoff
	dialer  *Dialer // nil if it is not known
	dialed  bool
	armory  armory
	pulse   *pulse
}

// WatchOption changes how an Instancer watches.
type WatchOption func(*Instancer)

// WatchReads sets how many nodes a watch reads at a time. It must be positive; the
// default is 32.
func WatchReads(n int) WatchOption { return func(i *Instancer) { i.reads = n } }

// WatchBackoff sets the delays after requests that a server refused. The default is
// that of the zero Backoff, capped at 3 s. How soon a connection comes back is not
// decided here but by the client.
func WatchBackoff(b sd.Backoff) WatchOption { return func(i *Instancer) { i.backoff = b } }

// WatchDialer says which [Dialer] the client has. It must be that of this client.
// Then newcomers are told by name and the list of names is not read for a change, so
// that a change costs the same in a set of any size; and after a break of the
// connection nothing is read but what has changed. Servers before ZooKeeper 3.6 know
// no such watch: they break the connection once when they are asked, and are not
// asked again.
func WatchDialer(d *Dialer) WatchOption {
	return func(i *Instancer) { i.dialer, i.dialed = d, true }
}

// NewInstancer returns an Instancer of the instances whose nodes are the children
// of path, such as "/services/stringsvc". The node at path need not exist yet.
//
// The client is used as it is and never closed. A malformed path is an error.
// NewInstancer panics if the client is nil, or an option is nil or out of range.
func NewInstancer(client *zk.Conn, path string, opts ...WatchOption) (*Instancer, error) {
	i := &Instancer{conn: client, path: path, reads: 32, pulse: newPulse(client)}
	i.backoff.Cap = maxBackoff
	var faults []string
	if client == nil {
		faults = append(faults, "the client is nil")
	}
	for n, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Sprintf("option %d is nil", n+1))
			continue
		}
		opt(i)
	}
	if i.reads <= 0 {
		faults = append(faults, fmt.Sprintf("WatchReads must be positive, not %d", i.reads))
	}
	if i.backoff.Base < 0 || i.backoff.Cap < 0 {
		faults = append(faults, fmt.Sprintf("WatchBackoff must not be negative, not %+v", i.backoff))
	}
	if i.dialed && i.dialer == nil {
		faults = append(faults, "WatchDialer is nil")
	}
	if len(faults) > 0 {
		panic("zookeeper: NewInstancer: " + strings.Join(faults, "; "))
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return i, nil
}

// Watch implements [sd.Instancer]. It yields [zk.ErrClosing] if the client is
// closed, [zk.ErrNoAuth] if the session may not read, and [zk.ErrSessionExpired]
// before the first set of a new session.
func (i *Instancer) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		w := newWatch(i, yield)
		defer w.end()
		w.run(ctx)
	}
}
