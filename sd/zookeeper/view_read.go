package zookeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

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

// reply is what the client answers to any of its reads.
type reply struct {
	names  []string
	data   []byte
	exists bool
	stat   *zk.Stat
	trap   *trap
	err    error
}

// ask makes one read. A trap that is set when nobody waits for the reply any more
// goes into the armory.
func (v *view) ask(ctx context.Context, call func() reply) (reply, error) {
	r, err := do(ctx, call, func(r reply) {
		if r.trap != nil {
			v.armory.put(r.trap)
		}
	})
	if err == nil {
		err = r.err
	}
	return r, err
}

// readList reads the names of the children, and has the trap set that tells when
// they change. A path that is not there has no children.
func (v *view) readList(ctx context.Context) error {
	names, err := v.children(ctx)
	if errors.Is(err, zk.ErrNoNode) {
		names, err = nil, v.absent(ctx)
	}
	if err != nil {
		return err
	}
	v.stale = false
	// The list costs bytes in proportion to its length, so the time to the next one
	// is in proportion too. That bounds what a restart of all instances costs.
	v.again = time.Now().Add(time.Duration(len(names)) * perName)
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		n := v.nodes[name]
		if n == nil {
			v.nodes[name] = &node{name: name, stale: true}
			v.changed = true
		} else if n.trap == nil {
			n.stale = true // it could not be read
		}
	}
	for name := range v.nodes {
		if !there[name] {
			delete(v.nodes, name)
			v.changed = true
		}
	}
	return nil
}

// perName is how long the next list waits for each name in the last one.
const perName = 50 * time.Microsecond

func (v *view) children(ctx context.Context) ([]string, error) {
	on := snare{path: v.path, children: true}
	if v.list != nil && v.list.snare != on {
		v.list = v.drop(v.list)
	}
	if v.list == nil {
		v.arm("", &v.list, v.armory.take(on))
	}
	if v.list != nil {
		r, err := v.ask(ctx, func() (r reply) {
			r.names, r.stat, r.err = v.conn.Children(v.path)
			return r
		})
		return r.names, err
	}
	r, err := v.ask(ctx, func() (r reply) {
		var sprung <-chan zk.Event
		r.names, r.stat, sprung, r.err = v.conn.ChildrenW(v.path)
		if r.err == nil {
			r.trap = &trap{on, sprung}
		}
		return r
	})
	v.arm("", &v.list, r.trap)
	return r.names, err
}

// absent has a trap set that tells when the path is made. If it was made meanwhile
// the error is passing.
func (v *view) absent(ctx context.Context) error {
	on := snare{path: v.path}
	v.list = v.drop(v.list)
	v.arm("", &v.list, v.armory.take(on))
	armed := v.list != nil
	r, err := v.ask(ctx, func() (r reply) {
		if armed {
			r.exists, r.stat, r.err = v.conn.Exists(v.path)
			return r
		}
		var sprung <-chan zk.Event
		r.exists, r.stat, sprung, r.err = v.conn.ExistsW(v.path)
		if r.err == nil {
			r.trap = &trap{on, sprung}
		}
		return r
	})
	if !armed {
		v.arm("", &v.list, r.trap)
	}
	if err == nil && r.exists {
		return fmt.Errorf("%s was made just now: %w", v.path, errAgain)
	}
	return err
}

// arm makes t, which may be nil, the trap of what has that name.
func (v *view) arm(name string, of **trap, t *trap) {
	if *of = t; t != nil {
		v.bell.mind(name, t.sprung)
	}
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
