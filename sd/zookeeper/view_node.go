package zookeeper

import (
	"cmp"
	"context"
	"errors"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// A node is one child. While it is read it belongs to the goroutine that reads it.
type node struct {
	name  string
	trap  *trap // nil if it is not set
	stale bool
	fresh bool // read, and not as before
	gone  bool

	version int64 // the transaction that wrote what was read; 0 before that
	rank    int64 // of its registration
	in      sd.Instance
	fault   error // why it is no instance
	told    bool  // of the fault
}

// read brings one node up to date.
func (v *view) read(ctx context.Context, n *node) error {
	path := v.path + "/" + n.name
	if n.trap != nil && n.version != 0 {
		same, err := v.same(ctx, path, n)
		if same || err != nil {
			return err
		}
	}
	r, err := v.get(ctx, path, n)
	switch {
	case err == nil:
		n.hear(r)
	case errors.Is(err, zk.ErrNoNode):
		// Whoever makes it again changes the list.
		n.gone = true
	case ctx.Err() != nil || passing(err) || errors.Is(err, zk.ErrClosing):
		return err
	default:
		n.blame(err, 0)
	}
	n.stale = false
	return nil
}

// same reports whether a node whose trap is set is as it was. It asks for no data.
func (v *view) same(ctx context.Context, path string, n *node) (bool, error) {
	r, err := v.ask(ctx, func() (r reply) {
		r.exists, r.stat, r.err = v.conn.Exists(path)
		return r
	})
	if err != nil {
		return false, err
	}
	if r.exists && r.stat.Mzxid == n.version {
		n.stale = false
		return true, nil
	}
	return false, nil
}

func (v *view) get(ctx context.Context, path string, n *node) (reply, error) {
	on := snare{path: path}
	if n.trap == nil {
		v.arm(n.name, &n.trap, v.armory.take(on))
	}
	if n.trap != nil {
		return v.ask(ctx, func() (r reply) {
			r.data, r.stat, r.err = v.conn.Get(path)
			return r
		})
	}
	r, err := v.ask(ctx, func() (r reply) {
		var sprung <-chan zk.Event
		r.data, r.stat, sprung, r.err = v.conn.GetW(path)
		if r.err == nil {
			r.trap = &trap{on, sprung}
		}
		return r
	})
	v.arm(n.name, &n.trap, r.trap)
	return r, err
}

// hear takes in what was read.
func (n *node) hear(r reply) {
	in, since, err := decode(r.data)
	if err != nil {
		n.blame(err, r.stat.Mzxid)
		return
	}
	if in.ID == "" {
		in.ID = in.Addr
	}
	rank := cmp.Or(since, r.stat.Czxid)
	if n.version == 0 || n.fault != nil || n.rank != rank || !n.in.Equal(&in) {
		n.fresh = true
	}
	n.version, n.rank, n.in, n.fault = r.stat.Mzxid, rank, in, nil
}

// blame notes why a node is no instance. What was told is not told again.
func (n *node) blame(err error, version int64) {
	if n.fault != nil && n.version == version && n.fault.Error() == err.Error() {
		return
	}
	n.fresh, n.told = true, false
	n.version, n.fault, n.in = version, err, sd.Instance{}
}
