package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

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
			n = &node{name: name}
			v.nodes[name] = n
			v.changed = true
		}
		if n.trap == nil { // it is new, or could not be read
			v.doubtNode(n)
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
