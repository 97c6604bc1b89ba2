package memory

import (
	"context"
	"iter"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

type pairs = iter.Seq2[[]*sd.Instance, error]

// watch shares the snapshots of the service: there is nothing to subscribe to and
// nothing to leave behind, and a consumer that sleeps costs nobody anything.
func (s *service) watch(ctx context.Context, c *Client) pairs {
	return func(yield func([]*sd.Instance, error) bool) {
		w := watching{owed: true, yield: yield}
		for ctx.Err() == nil {
			l, now := c.now(), s.now.Load()
			if !w.look(l, now) {
				return
			}
			select {
			case <-now.next:
			case <-l.changed:
			case <-ctx.Done():
			}
		}
	}
}

// watching is one watch at work.
type watching struct {
	yield func([]*sd.Instance, error) bool
	last  []*sd.Instance
	owed  bool   // the next set is yielded even if it did not change
	asked bool   // the registry knows of the watch
	over  bool   // it was said that the client is closed
	seen  *fault // the fault that was yielded last
	told  unread
}

// look yields what is new, and returns false if the consumer broke off.
func (w *watching) look(l *line, now *snapshot) bool {
	if l.closed {
		if w.over {
			return true
		}
		w.over = true
		return w.yield(nil, ErrClosed)
	}
	w.asked = w.asked || l.cut&Requests == 0
	if !w.asked || l.cut&Replies != 0 {
		return true
	}
	if f := now.fault; f != nil {
		if f.err == nil || f == w.seen {
			return true
		}
		w.owed, w.seen = true, f
		return w.yield(nil, f.err)
	}
	if err := w.told.news(now.bad); err != nil {
		w.owed = true
		if !w.yield(nil, err) {
			return false
		}
	}
	set := reuse(w.last, now.set)
	if (w.owed || changed(w.last, set)) && !w.yield(set, nil) {
		return false
	}
	w.last, w.owed, w.seen = set, false, nil
	return true
}

// reuse returns next with the pointer from prev for each instance that says the
// same. They differ only for a consumer that slept while an instance left and
// came back, so it copies only then.
func reuse(prev, next []*sd.Instance) []*sd.Instance {
	set, copied, p := next, false, 0
	for i, in := range next {
		if p < len(prev) && prev[p] == in {
			p++
			continue
		}
		for p < len(prev) && prev[p].ID < in.ID {
			p++
		}
		if p == len(prev) {
			break
		}
		if old := prev[p]; old.ID == in.ID {
			p++
			if old != in && old.Equal(in) {
				if !copied {
					set, copied = slices.Clone(next), true
				}
				set[i] = old
			}
		}
	}
	return set
}

// changed compares pointers: by contract an instance that did not change keeps
// its own.
func changed(prev, next []*sd.Instance) bool { return !slices.Equal(prev, next) }
