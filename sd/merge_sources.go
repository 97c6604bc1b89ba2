package sd

import (
	"context"
	"time"
)

// A word is what a source said last: the set that stands, and the error if one
// came since.
type word struct {
	set   []*Instance
	known bool
	err   error
}

// A merger watches several sources and yields the set that choose makes of what
// they said. It is the core of Merge and Fallback.
type merger struct {
	out  outlet
	said []word
	late bool
	// choose returns false while there is nothing to yield. started tells that a
	// set was yielded before, late that the bound on waiting is over.
	choose func(said []word, started, late bool) ([]*Instance, bool)
}

// run returns when ctx is done or the consumer breaks off. The bound may be nil.
func (m *merger) run(ctx context.Context, sources []Instancer, bound <-chan time.Time) {
	wake := make(chan struct{}, 1)
	m.said = make([]word, len(sources))
	readers := make([]*reader, len(sources))
	pumps := make([]*pump, len(sources))
	for i, s := range sources {
		pumps[i] = startPump(ctx, s)
		readers[i] = pumps[i].read(wake)
	}
	defer stop(pumps...)
	for {
		overdue := false
		select {
		case <-ctx.Done():
		case <-wake:
		case <-bound:
			// What was yielded needs no bound any more.
			overdue = !m.out.known
		}
		if ctx.Err() != nil {
			return
		}
		m.late = m.late || overdue
		over, fresh, failed := m.take(readers)
		for _, err := range over {
			if !m.out.fail(err) {
				return
			}
		}
		if (fresh || overdue) && !m.offer(&failed) {
			return
		}
		for _, err := range failed {
			if !m.out.fail(err) {
				return
			}
		}
	}
}

// take notes what the sources said. It tells whether there is a new set, and
// returns the new errors: those that a set has ended, and those that stand.
func (m *merger) take(readers []*reader) (over []error, fresh bool, failed []error) {
	for i, r := range readers {
		n := r.take()
		if n.over != nil {
			over = append(over, n.over)
		}
		if n.fresh {
			m.said[i] = word{set: n.set, known: true}
			fresh = true
		}
		if n.err != nil {
			m.said[i].err = n.err
			failed = append(failed, n.err)
		}
	}
	return over, fresh, failed
}

// offer yields the set that is chosen now. A set ends the errors before it, so
// those that stand are to be yielded after it.
func (m *merger) offer(failed *[]error) bool {
	set, ok := m.choose(m.said, m.out.known, m.late)
	if !ok {
		return true
	}
	if !m.out.set(set) {
		return false
	}
	*failed = nil
	for _, w := range m.said {
		if w.err != nil {
			*failed = append(*failed, w.err)
		}
	}
	return true
}
