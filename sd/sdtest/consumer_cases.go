package sdtest

import (
	"context"
	"fmt"

	"github.com/dowelkit/dowel/sd"
)

// consumerCases are how a watch treats whoever ranges over it.
var consumerCases = []testCase{
	{name: "LazyWatch", looks: true, run: lazyWatch},
	{name: "SameGoroutine", run: sameGoroutine},
	{name: "BreakEnds", looks: true, run: breakEnds},
	{name: "ContextEnds", looks: true, run: contextEnds},
	{name: "RangesAreIndependent", run: rangesAreIndependent},
	{name: "SlowConsumer", run: slowConsumer},
	{name: "SetsAreImmutable", run: setsAreImmutable},
}

// crowd is how many watches are made to see what they leave behind.
const crowd = 30

func lazyWatch(s *scene) {
	s.leavesNothing("a watch that nobody ranges over", crowd, func() { s.Instancer.Watch(context.Background()) })
}

func sameGoroutine(s *scene) {
	s.register(at("a"))
	s.watch().sees("a") // the watcher looks at the goroutine of every event
}

func breakEnds(s *scene) {
	r := s.register(at("a"))
	s.leavesNothing("break", crowd, func() {
		s.returns("a loop that breaks off", s.h.Patience, func() {
			for range s.Instancer.Watch(s.living()) {
				break
			}
		})
	})
	// Breaking off at a later set is no different.
	seq, n := s.Instancer.Watch(s.living()), 0
	err := s.within("a loop that breaks off at its second set", s.h.Patience, func(ctx context.Context) (err error) {
		for range seq {
			if n++; n == 2 {
				break
			}
			in := at("a")
			in.Weight = 5
			err = r.Update(ctx, in)
		}
		return err
	})
	if n != 2 || err != nil {
		s.Errorf("a loop that breaks off at its second set ended after %d: %v", n, err)
	}
}

func contextEnds(s *scene) {
	s.register(at("a"))
	s.leavesNothing("the end of ctx", crowd, func() {
		w := s.watch()
		w.sees("a")
		w.end()
	})
	done, cancel := context.WithCancel(context.Background())
	cancel()
	s.returns("a watch whose context was done before", 0, func() {
		for range s.Instancer.Watch(done) {
		}
	})
	// From inside the loop.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.returns("a watch whose context ends in the loop", s.h.Patience, func() {
		for range s.Instancer.Watch(ctx) {
			cancel()
		}
	})
}

// rangesAreIndependent: a Seq2 may be ranged over more than once, at once too.
func rangesAreIndependent(s *scene) {
	seq := s.Instancer.Watch(s.living())
	s.register(at("a"))
	for range 3 {
		s.returns("a range over a Watch that was ranged over before", s.h.Patience, func() {
			for range seq {
				break
			}
		})
	}
	first, second := s.watch(), s.watch()
	first.sees("a")
	second.sees("a")
	first.end()
	s.register(at("b"))
	second.sees("a", "b")
	third := s.watch()
	third.sees("a", "b")
	s.register(at("c"))
	second.sees("a", "b", "c")
	third.sees("a", "b", "c")
}

// slowConsumer: whoever sleeps sees the newest set when it wakes, and nobody waits
// for it. One set may have been on its way.
func slowConsumer(s *scene) {
	s.register(at("a"))
	slow, fast := s.watch(), s.watch()
	slow.sees("a")
	fast.sees("a")
	slow.sleep()
	s.register(at("b"))
	slow.sees("a", "b") // and sleeps in that loop body
	ids := []string{"a", "b"}
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("n-%02d", i))
		s.register(at(ids[len(ids)-1]))
		fast.sees(ids...)
	}
	s.watch().sees(ids...)
	s.rest(s.h.Quiet)
	before := len(slow.all())
	slow.wake()
	slow.sees(ids...)
	if n := len(slow.all()) - before; n > 2 {
		s.Errorf("a consumer that slept gets %d sets, a backlog; want the newest: %s", n, slow.story())
	}
}

// setsAreImmutable: the watcher compares all that it has seen with copies, when it
// ends.
func setsAreImmutable(s *scene) {
	in := at("b")
	in.Meta = map[string]string{"k": "0"}
	s.register(at("a"))
	r := s.register(in)
	w := s.watch()
	w.sees("a", "b")
	in.Weight, in.Meta = 9, map[string]string{"k": "1"}
	s.update(r, in)
	w.seesThat("b", "the new weight", func(in *sd.Instance) bool { return in.Weight == 9 })
	extra := s.register(at("aa"))
	w.sees("a", "aa", "b")
	s.deregister(extra)
	w.sees("a", "b")
	w.end()
}
