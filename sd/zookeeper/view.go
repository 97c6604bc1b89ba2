package zookeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A view is what a watch knows of the nodes, and what it knows to be out of date.
type view struct {
	*Instancer
	bell    *bell
	nodes   map[string]*node // by name
	behind  map[string]*node // those that are stale
	changed bool             // since found was asked last

	list  *trap     // rings under ""; nil if it is not set
	stale bool      // the list
	again time.Time // before which it is not read again
}

func newView(i *Instancer, b *bell) *view {
	return &view{
		Instancer: i, bell: b, stale: true, changed: true,
		nodes: make(map[string]*node), behind: make(map[string]*node),
	}
}

// doubt makes everything out of date, though its traps are set.
func (v *view) doubt() {
	v.stale, v.again = true, time.Time{}
	for _, n := range v.nodes {
		v.doubtNode(n)
	}
}

func (v *view) doubtNode(n *node) {
	n.stale = true
	v.behind[n.name] = n
}

func (v *view) forget(n *node) {
	delete(v.nodes, n.name)
	delete(v.behind, n.name)
	v.changed = true
}

// disarm puts the traps that are set aside. The bell must be silent.
func (v *view) disarm() {
	v.list = v.drop(v.list)
	for _, n := range v.nodes {
		n.trap = v.drop(n.trap)
	}
}

// due reports whether there is something to read now.
func (v *view) due() bool {
	v.heed()
	return len(v.behind) > 0 || v.listDue()
}

func (v *view) listDue() bool { return v.stale && v.wait() <= 0 }

// wait returns how long it is until the list may be read again.
func (v *view) wait() time.Duration {
	if !v.stale {
		return math.MaxInt64
	}
	return time.Until(v.again)
}

// heed notes which traps have sprung. It may also have been one that somebody of the
// same name had before; then the present one is still set.
func (v *view) heed() {
	for name := range v.bell.take() {
		if name == "" {
			v.list, v.stale = v.drop(v.list), true
		} else if n := v.nodes[name]; n != nil {
			n.trap = v.drop(n.trap)
			v.doubtNode(n)
		}
	}
}

// drop lays a trap aside, which may be nil, and returns nil.
func (v *view) drop(t *trap) *trap {
	if t != nil {
		v.armory.put(t)
	}
	return nil
}

// update reads what is out of date. The list comes first: it spares the reads of
// those who have left.
func (v *view) update(ctx context.Context) error {
	v.heed()
	if v.listDue() {
		if err := v.readList(ctx); err != nil {
			return err
		}
	}
	batch := slices.Collect(maps.Values(v.behind))
	err := each(ctx, len(batch), v.reads, func(ctx context.Context, i int) error { return v.read(ctx, batch[i]) })
	for _, n := range batch {
		switch {
		case n.gone:
			v.forget(n)
		case !n.stale:
			delete(v.behind, n.name)
		}
		v.changed = v.changed || n.fresh
		n.fresh = false
	}
	return err
}

// found returns the instances, and what is wrong with nodes and was not yet told.
func (v *view) found() (instances []sd.Instance, fault error) {
	v.changed = false
	good := make([]*node, 0, len(v.nodes))
	var faults []error
	for _, n := range v.nodes {
		if n.fault == nil {
			good = append(good, n)
		} else if !n.told && n.fault != errNobody {
			n.told = true
			faults = append(faults, fmt.Errorf("node %q is skipped: %w", n.name, n.fault))
		}
	}
	// Of the nodes with one ID the newest registration is the truth; sd.NextSet
	// takes the first.
	slices.SortFunc(good, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.in.ID, b.in.ID), cmp.Compare(b.rank, a.rank), cmp.Compare(a.name, b.name))
	})
	instances = make([]sd.Instance, len(good))
	for i, n := range good {
		instances[i] = n.in
	}
	const few = 10
	if more := len(faults) - few; more > 0 {
		faults = append(faults[:few], fmt.Errorf("and %d more nodes are", more))
	}
	return instances, errors.Join(faults...)
}
