package memory

import (
	"context"
	"iter"
	"slices"

	"github.com/dowelkit/dowel/sd"
)

// watch shares the snapshots of the service: there is nothing to subscribe to and
// nothing to leave behind, and a consumer that sleeps costs nobody anything.
func (s *service) watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		var last []*sd.Instance
		var seen *fault
		owed := true // the next set is yielded even if it did not change
		for ctx.Err() == nil {
			now := s.now.Load()
			switch f := now.fault; {
			case f == nil:
				set := reuse(last, now.set)
				if (owed || changed(last, set)) && !yield(set, nil) {
					return
				}
				last, owed, seen = set, false, nil
			case f.err != nil && f != seen:
				if !yield(nil, f.err) {
					return
				}
				owed, seen = true, f
			}
			select {
			case <-now.next:
			case <-ctx.Done():
			}
		}
	}
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
