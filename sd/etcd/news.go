package etcd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// news is what a watch has heard and its consumer has not. However long the consumer
// sleeps, it is no more than one set.
type news struct {
	wake chan struct{} // has a value when there may be news

	mu      sync.Mutex
	whole   bool                    // changed is all there is, and not only what changed
	changed map[string]*sd.Instance // by ID; nil for one that has gone
	born    map[string]struct{}     // by key, those that are younger than what the consumer knows
	fresh   bool                    // there is a set to yield
	fault   error                   // why nothing is heard, nil while all is well

	// malformed are reports of entries that are of no use.
	malformed []error
	dropped   int
	reported  map[string]int64 // by key, the revision that was reported
}

func newNews() *news {
	return &news{
		wake: make(chan struct{}, 1), changed: make(map[string]*sd.Instance),
		born: make(map[string]struct{}), reported: make(map[string]int64),
	}
}

// delta is what the consumer is told.
type delta struct {
	malformed error
	set       func(prev []*sd.Instance) []*sd.Instance // nil if there is none
	fault     error
}

// take returns the news, and forgets them.
func (n *news) take() (d delta) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.malformed != nil {
		if n.dropped > 0 {
			n.malformed = append(n.malformed, fmt.Errorf("and %d more", n.dropped))
		}
		d.malformed = fmt.Errorf("etcd: malformed entries are left out: %w", errors.Join(n.malformed...))
	}
	if n.fresh {
		d.set = setOf(n.changed, n.whole)
		n.changed, n.born = make(map[string]*sd.Instance), make(map[string]struct{})
	}
	d.fault = n.fault
	n.whole, n.fresh, n.fault, n.malformed, n.dropped = false, false, nil, nil, 0
	return d
}

// setOf returns the function that makes the next set of the one before. It compares
// with what the consumer has, so that an instance which changed and changed back
// while it slept keeps its pointer.
func setOf(changed map[string]*sd.Instance, whole bool) func([]*sd.Instance) []*sd.Instance {
	if !whole {
		return func(prev []*sd.Instance) []*sd.Instance { return merge(prev, changed) }
	}
	return func(prev []*sd.Instance) []*sd.Instance {
		found := make([]sd.Instance, 0, len(changed))
		for _, in := range changed {
			found = append(found, *in)
		}
		return sd.NextSet(prev, found)
	}
}

// merge returns the set with the changes, and the set itself if there are none. Its
// cost is one copy of the pointers, for a single change and for a burst.
func merge(set []*sd.Instance, changed map[string]*sd.Instance) []*sd.Instance {
	next, rest, same := make([]*sd.Instance, 0, len(set)+len(changed)), set, true
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		i, found := slices.BinarySearchFunc(rest, id,
			func(in *sd.Instance, id string) int { return strings.Compare(in.ID, id) })
		next, rest = append(next, rest[:i]...), rest[i:]
		in := changed[id]
		if found {
			if in != nil && in.Equal(rest[0]) {
				in = rest[0]
			}
			same = same && in == rest[0]
			rest = rest[1:]
		} else {
			same = same && in == nil
		}
		if in != nil {
			next = append(next, in)
		}
	}
	if same {
		return set
	}
	return append(next, rest...)
}

func (n *news) fail(err error) {
	n.mu.Lock()
	n.fault = err
	n.mu.Unlock()
	n.ring()
}

// ring wakes the consumer.
func (n *news) ring() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
