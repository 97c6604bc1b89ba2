package sd

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// Merge returns an Instancer of the union of the sources. Of instances with the
// same ID that of the first source wins.
//
// A source that is not yet known, or in error, does not hold the others up: the
// union is of the last known sets. Only an empty union does not come first while
// a source is unknown, since nobody knows it to be empty then. Errors are yielded
// beside, as they come, and once more after each set for as long as their source
// is in error; so the last pair of a watch tells whether all is well.
//
// The union of no sources is empty. Merge panics if a source is nil.
func Merge(sources ...Instancer) Instancer {
	var f faults
	for i, s := range sources {
		f.absent(s, fmt.Sprint("source ", i))
	}
	f.refuse("Merge")
	sources = slices.Clone(sources)
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			if len(sources) == 0 {
				if ctx.Err() == nil && yield(nil, nil) {
					<-ctx.Done()
				}
				return
			}
			m := merger{out: outlet{yield: yield}, choose: unite}
			m.run(ctx, sources, nil)
		}
	})
}

// unite is Merge's choice.
func unite(said []word, started, _ bool) ([]*Instance, bool) {
	var set []*Instance
	known := true
	for _, w := range said {
		set = union(set, w.set)
		known = known && w.known
	}
	return set, known || started || len(set) > 0
}

// union merges two sorted sets; of duplicates that of a wins.
func union(a, b []*Instance) []*Instance {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	set := make([]*Instance, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].ID < b[0].ID:
			set, a = append(set, a[0]), a[1:]
		case a[0].ID > b[0].ID:
			set, b = append(set, b[0]), b[1:]
		default:
			set, a, b = append(set, a[0]), a[1:], b[1:]
		}
	}
	return append(append(set, a...), b...)
}
