package zookeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A view is what a watch knows of the nodes, and what it knows to be out of date.
type view struct {
	*Instancer
	bell    *bell
	nodes   map[string]*node // by name
	changed bool             // since found was asked last

	list  *trap     // rings under ""; nil if it is not set
	stale bool      // the list
	again time.Time // before which it is not read again
}

func newView(i *Instancer, b *bell) *view {
	return &view{Instancer: i, bell: b, nodes: make(map[string]*node), stale: true, changed: true}
}

// doubt makes everything out of date, though its traps are set.
func (v *view) doubt() {
	v.stale, v.again = true, time.Time{}
	for _, n := range v.nodes {
		n.stale = true
	}
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
	if v.stale && !time.Now().Before(v.again) {
		return true
	}
	for _, n := range v.nodes {
		if n.stale {
			return true
		}
	}
	return false
}

// heed notes which traps have sprung. It may also have been one that somebody of the
// same name had before; then the present one is still set.
func (v *view) heed() {
	for name := range v.bell.take() {
		if name == "" {
			v.list, v.stale = v.drop(v.list), true
		} else if n := v.nodes[name]; n != nil {
			n.trap, n.stale = v.drop(n.trap), true
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
	if v.stale && !time.Now().Before(v.again) {
		if err := v.readList(ctx); err != nil {
			return err
		}
	}
	var stale []*node
	for _, n := range v.nodes {
		if n.stale {
			stale = append(stale, n)
		}
	}
	err := each(ctx, len(stale), v.reads, func(ctx context.Context, i int) error { return v.read(ctx, stale[i]) })
	for _, n := range stale {
		if n.fresh {
			n.fresh, v.changed = false, true
		}
		if n.gone {
			delete(v.nodes, n.name)
			v.changed = true
		}
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
