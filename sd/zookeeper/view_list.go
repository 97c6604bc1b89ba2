package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// readList reads the names of the children, and has the trap set that tells when
// they change, unless a tree tells it. A path that is not there has no children.
func (v *view) readList(ctx context.Context) error {
	tree := v.dialer != nil && v.dialer.tells(v.path, v.conn.SessionID())
	r, err := v.children(ctx, tree)
	if errors.Is(err, zk.ErrNoNode) {
		r.names, err = nil, nil
		if !tree {
			err = v.absent(ctx)
		}
	}
	if err != nil {
		return err
	}
	if v.listed = 0; !tree && r.stat != nil {
		v.listed = r.stat.Pzxid
	}
	names := r.names
	v.stale = false
	// The list costs bytes in proportion to its length, so the time to the next one
	// is in proportion too. That bounds what a restart of all instances costs.
	v.again = time.Now().Add(time.Duration(len(names)) * perName)
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		if n := v.nodes[name]; n == nil {
			v.add(name)
		} else if n.trap == nil && !n.stale {
			v.doubtNode(n, time.Time{})
		}
	}
	for name, n := range v.nodes {
		if !there[name] {
			v.forget(n)
		}
	}
	return nil
}

// perName is how long the next list waits for each name in the last one.
const perName = 50 * time.Microsecond

// checkList finds out whether the list is as it was. It asks for no names.
func (v *view) checkList(ctx context.Context) error {
	r, err := v.ask(ctx, func() (r reply) {
		r.exists, r.stat, r.err = v.conn.Exists(v.path)
		return r
	})
	if err != nil {
		return err
	}
	v.suspect = false
	v.stale = v.stale || !r.exists || r.stat.Pzxid != v.listed
	return nil
}

func (v *view) children(ctx context.Context, tree bool) (reply, error) {
	on := snare{path: v.path, children: true}
	if v.list != nil && (tree || v.list.snare != on) {
		v.list = v.drop(v.list)
	}
	if v.list == nil && !tree {
		v.arm("", &v.list, v.armory.take(on))
	}
	if v.list != nil || tree {
		return v.ask(ctx, func() (r reply) {
			r.names, r.stat, r.err = v.conn.Children(v.path)
			return r
		})
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
	return r, err
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
