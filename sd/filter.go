package sd

import (
	"context"
	"iter"
	"slices"
)

// Filter returns an Instancer of those instances of source that keep accepts. It
// starts no goroutine.
//
// keep is called on the ranging goroutine, for every instance of every set, and
// from several goroutines if there are several watches. It must give the same
// answer for the same instance and must not modify it. Filter panics if source or
// keep is nil.
func Filter(source Instancer, keep func(*Instance) bool) Instancer {
	var f faults
	f.absent(source, "source")
	f.add(keep == nil, "keep is nil")
	f.refuse("Filter")
	return transform(source, func(set []*Instance) []*Instance {
		// An unfiltered set is the common case and needs no copy.
		i := slices.IndexFunc(set, func(in *Instance) bool { return !keep(in) })
		if i < 0 {
			return set
		}
		kept := slices.Clone(set[:i])
		for _, in := range set[i+1:] {
			if keep(in) {
				kept = append(kept, in)
			}
		}
		return kept
	})
}

// transform returns an Instancer of the sets that change makes of those of
// source, on the ranging goroutine.
func transform(source Instancer, change func([]*Instance) []*Instance) Instancer {
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			out := outlet{yield: yield}
			for set, err := range follow(ctx, source) {
				if err != nil && !out.fail(err) || err == nil && !out.set(change(set)) {
					return
				}
			}
		}
	})
}
