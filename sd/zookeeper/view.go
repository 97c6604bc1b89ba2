package zookeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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

	list    *trap     // rings under ""; nil if it is not set
	listed  int64     // the transaction that changed the list last; 0 if a tree tells of that
	suspect bool      // the list may be out of date though nothing was told
	stale   bool      // the list
	again   time.Time // before which it is not read again
}

func newView(i *Instancer, b *bell) *view {
	return &view{
		Instancer: i, bell: b, stale: true, changed: true,
		nodes: make(map[string]*node), behind: make(map[string]*node),
	}
}

// audit is how long a client takes to ask for everything again that is most likely
// as it was. It is shorter than a watch may be wrong.
const audit = 5 * time.Second

// doubt makes everything out of date, though its traps are set. If they have stood all
// the time nothing is likely to be missed, so one by one will do.
func (v *view) doubt(stood bool) {
	v.again = time.Time{}
	if v.suspect = stood && v.listed != 0; !v.suspect {
		v.stale = true
	}
	now := time.Now()
	for _, n := range v.nodes {
		switch {
		case !stood:
			v.doubtNode(n, time.Time{})
		case !n.stale || n.audited:
			v.doubtNode(n, now.Add(rand.N(audit).Truncate(audit/50)))
			n.audited = true
		}
	}
}

// doubtNode has a node read again, but not before it is due.
func (v *view) doubtNode(n *node, due time.Time) {
	n.stale, n.due, n.audited = true, due, false
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
	return v.wait() <= 0
}

func (v *view) listDue() bool { return v.stale && time.Until(v.again) <= 0 }

// wait returns how long it is until there is something to read.
func (v *view) wait() time.Duration {
	wait := time.Duration(math.MaxInt64)
	if v.suspect {
		return 0
	}
	if v.stale {
		wait = time.Until(v.again)
	}
	for _, n := range v.behind {
		wait = min(wait, time.Until(n.due))
	}
	return wait
}

// heed notes which traps have sprung, and what a tree told. It may also have been a
// trap that somebody of the same name had before; then the present one is still set.
func (v *view) heed() {
	names, told := v.bell.take()
	for name := range names {
		if name == "" {
			v.list, v.stale = v.drop(v.list), true
		} else if n := v.nodes[name]; n != nil {
			n.trap = v.drop(n.trap)
			v.doubtNode(n, time.Time{})
		}
	}
	for name, there := range told {
		switch n := v.nodes[name]; {
		case n == nil && there:
			v.add(name)
		case n != nil && n.trap == nil: // a trap tells by itself
			v.doubtNode(n, time.Time{})
		}
	}
}

func (v *view) add(name string) *node {
	n := &node{name: name}
	v.nodes[name], v.changed = n, true
	v.doubtNode(n, time.Time{})
	return n
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
	if v.suspect {
		if err := v.checkList(ctx); err != nil {
			return err
		}
	}
	if v.listDue() {
		if err := v.readList(ctx); err != nil {
			return err
		}
	}
	batch := make([]*node, 0, len(v.behind))
	now := time.Now()
	for _, n := range v.behind {
		if !n.due.After(now) {
			batch = append(batch, n)
		}
	}
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
		if n.refusal != nil && !n.moaned {
			n.moaned = true
			faults = append(faults, fmt.Errorf("node %q cannot be read and stands as it was: %w", n.name, n.refusal))
		}
	}
	// Of the nodes with one ID the newest registration is the truth; sd.NextSet
	// takes the first.
	slices.SortFunc(good, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.in.ID, b.in.ID), b.rank.compare(a.rank), cmp.Compare(a.name, b.name))
	})
	instances = make([]sd.Instance, len(good))
	for i, n := range good {
		instances[i] = n.in
	}
	const few = 10
	if more := len(faults) - few; more > 0 {
		faults = append(faults[:few], fmt.Errorf("and %d more nodes are so", more))
	}
	return instances, errors.Join(faults...)
}
