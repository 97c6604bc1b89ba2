package grpckit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"google.golang.org/grpc/connectivity"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// roster knows which instances there are and what became of their connections: so
// that a call waits while there is hope, and fails at once when there is none.
type roster struct {
	mu       sync.Mutex
	known    bool             // a set has come
	late     bool             // none has, and calls waited for it long enough
	watchErr error            // since the last set
	failed   map[string]error // by key, of every instance of the set; nil until one dial failed
	links    map[string]*link // by key, of the instances and of those that left and still serve
	dialing  map[string]*link // by key, of the last dial that began, until it has ended
}

func newRoster() *roster {
	return &roster{failed: make(map[string]error), links: make(map[string]*link), dialing: make(map[string]*link)}
}

// keyOf returns what an instance is the same by, as for the Endpointer.
func keyOf(in *sd.Instance) string { return in.ID + "\x00" + in.Addr }

// watch returns the instancer with an ear to its watches.
func (r *roster) watch(instances sd.Instancer, changed func()) sd.Instancer {
	return sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			for set, err := range instances.Watch(ctx) {
				r.note(set, err)
				if !yield(set, err) {
					return
				}
				changed()
			}
		}
	})
}

func (r *roster) note(set []*sd.Instance, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchErr = err; err != nil {
		return
	}
	r.known = true
	failed := make(map[string]error, len(set))
	for _, in := range set {
		key := keyOf(in)
		failed[key] = r.failed[key]
	}
	r.failed = failed
}

// despair ends the hope for a set, and reports whether there was none.
func (r *roster) despair() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = !r.known
	return r.late
}

// dials notes that a dial begins.
func (r *roster) dials(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dialing[l.key] = l
}

// dialed notes what became of a dial, unless there is another one of the instance since:
// that had left meanwhile, and is there again, and this link will be closed.
func (r *roster) dialed(l *link, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dialing[l.key] != l {
		return
	}
	delete(r.dialing, l.key)
	if err == nil {
		r.links[l.key] = l
	}
	if _, there := r.failed[l.key]; there {
		r.failed[l.key] = err
	}
}

func (r *roster) left(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[l.key] == l {
		delete(r.links, l.key)
	}
}

func (r *roster) link(in *sd.Instance) *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links[keyOf(in)]
}

// state is that of the connection as a whole. An attempt that failed counts until one
// succeeds, so that calls do not wait for the next ones: the states of gRPC's own
// balancers are as sticky.
func (r *roster) state() connectivity.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	hope := !r.known && !r.late
	for _, l := range r.links {
		if l.connected.Load() {
			return connectivity.Ready
		}
		hope = hope || l.broken.Load() == nil
	}
	for key, err := range r.failed {
		hope = hope || err == nil && r.links[key] == nil
	}
	if hope {
		return connectivity.Connecting
	}
	return connectivity.TransientFailure
}

// none tells the caller, and the operator, why there is nobody: as lb does, with the
// errors of connections that are lost too.
func (r *roster) none() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cause := fmt.Errorf("%w (of %d known)", lb.ErrNoInstance, len(r.failed))
	return &endpoint.Error{
		Code: endpoint.Unavailable, NotProcessed: true, Local: true, Outgoing: true,
		Err: errors.Join(cause, r.watchErr, r.broken()),
	}
}

// reason returns what went wrong last with the watch and with a connection, or nil.
func (r *roster) reason() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.watchErr, r.broken())
}

// broken returns why there is no connection to an instance: one of them says enough.
func (r *roster) broken() error {
	var broken error
	for _, err := range r.failed {
		broken = cmp.Or(broken, err)
	}
	for _, l := range r.links {
		if err := l.broken.Load(); err != nil {
			broken = cmp.Or(broken, *err)
		}
	}
	return broken
}
