package sd

import (
	"context"
	"iter"
	"time"
)

type fallback struct {
	sources []Instancer
	after   time.Duration
}

// FallbackOption changes how Fallback chooses.
type FallbackOption func(*fallback)

// FallbackAfter sets how long, from the start of a watch, a source that is not
// yet known is waited for. Zero means not at all; the default is 2 s, and it must not be
// negative. It does not delay a fallback when a known primary becomes empty.
func FallbackAfter(d time.Duration) FallbackOption { return func(f *fallback) { f.after = d } }

// Fallback returns an Instancer of the primary's instances while it has any, and
// of the secondary's while the primary is known to be empty or, at the start, is
// not known in time. It is back at the primary as soon as that has instances.
//
// A primary in error keeps its last known set, so its outage alone changes
// nothing. To ride out a short spell of emptiness wrap the primary in
// [Stabilize]. Both are watched all the time, because a secondary that must first
// be reached is of no help in an outage. Errors of both are yielded beside, as
// [Merge] does.
//
// Fallback panics if a source or an option is nil, or an option is out of its
// range.
func Fallback(primary, secondary Instancer, opts ...FallbackOption) Instancer {
	fb := fallback{sources: []Instancer{primary, secondary}, after: 2 * time.Second}
	var f faults
	apply(&f, &fb, opts)
	f.absent(primary, "primary")
	f.absent(secondary, "secondary")
	f.add(fb.after < 0, "FallbackAfter must not be negative, not %v", fb.after)
	f.refuse("Fallback")
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			bound := time.NewTimer(fb.after)
			defer bound.Stop()
			m := merger{out: outlet{yield: yield}, choose: prefer}
			m.run(ctx, fb.sources, bound.C)
		}
	})
}

// prefer is Fallback's choice.
func prefer(said []word, started, late bool) ([]*Instance, bool) {
	primary, secondary := said[0], said[1]
	switch {
	case len(primary.set) > 0:
		return primary.set, true
	case len(secondary.set) > 0:
		return secondary.set, primary.known || late
	default:
		// Empty is what the primary says it is. At the start the secondary gets
		// its time to say otherwise.
		return nil, primary.known && (secondary.known || started || late)
	}
}
