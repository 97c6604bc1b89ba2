package sd

import (
	"context"
	"iter"
	"time"
)

// StabilizeOption changes how Stabilize distrusts its source.
type StabilizeOption func(*stability)

// stability is how long the source must be sound before it is believed.
type stability struct {
	grace time.Duration
	empty time.Duration
}

// StabilizeGrace sets how long after an error, or after it was empty, a source
// must have been sound before removals are believed. It should exceed the time
// that instances need to register again after the registry lost its data. Zero
// means that removals are believed at once; the default is 30 s.
func StabilizeGrace(d time.Duration) StabilizeOption { return func(s *stability) { s.grace = d } }

// StabilizeEmpty sets for how long the last set stands when the source says that
// it is empty. Zero means that an empty set is believed at once; the default is
// 5 min.
func StabilizeEmpty(d time.Duration) StabilizeOption { return func(s *stability) { s.empty = d } }

// Stabilize returns an Instancer that protects its consumers from a registry in
// trouble, which forgets instances that live; Eureka calls this self-preservation.
//
// An empty set does not replace one with instances until it has been empty for
// the time of [StabilizeEmpty]. After an error, and after such a spell of
// emptiness, removals wait until the source has been sound for the time of
// [StabilizeGrace]; while it is in error they wait without bound. Additions and
// changes pass at once, always. A removal by a source that never was in trouble
// passes at once too.
//
// An instance that waits for its removal goes at once if another ID appears with
// its address, for then it was replaced. Stabilize panics if source or an option
// is nil, or an option is negative.
func Stabilize(source Instancer, opts ...StabilizeOption) Instancer {
	s := stability{grace: 30 * time.Second, empty: 5 * time.Minute}
	var f faults
	apply(&f, &s, opts)
	f.absent(source, "source")
	f.add(s.grace < 0, "StabilizeGrace must not be negative, not %v", s.grace)
	f.add(s.empty < 0, "StabilizeEmpty must not be negative, not %v", s.empty)
	f.refuse("Stabilize")
	return InstancerFunc(func(ctx context.Context) iter.Seq2[[]*Instance, error] {
		return func(yield func([]*Instance, error) bool) {
			(&stabilizer{stability: s, out: outlet{yield: yield}}).run(ctx, source)
		}
	})
}

// run watches on the ranging goroutine: what falls due while the consumer is busy
// is found due when it comes back.
func (s *stabilizer) run(ctx context.Context, source Instancer) {
	wake := make(chan struct{}, 1)
	p := startPump(ctx, source)
	defer stop(p)
	r := p.read(wake)
	due := resting()
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-wake:
		case <-due.C:
		}
		if ctx.Err() != nil {
			return
		}
		n, now := r.take(), time.Now()
		if n.over != nil {
			s.failed = true
			if !s.out.fail(n.over) {
				return
			}
		}
		if n.empty && s.empty > 0 {
			s.note(nil, now)
		}
		if n.fresh {
			s.note(n.set, now)
		}
		if s.known && !s.failed {
			set, wait := s.settle(now)
			due.Stop()
			if wait > 0 {
				due.Reset(wait)
			}
			if !s.out.set(set) {
				return
			}
		}
		if n.err != nil {
			s.failed = true
			if !s.out.fail(n.err) {
				return
			}
		}
	}
}
