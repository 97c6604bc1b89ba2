package call_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/call"
)

// scene is a context with a deadline in 10 s, and its parent.
type scene struct {
	ctx     context.Context
	release context.CancelFunc
	leave   context.CancelCauseFunc // cancels the parent
	mu      sync.Mutex
	told    []string
}

func (s *scene) note(what ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprint(what...))
}

var errGone = errors.New("gone")

func (s *scene) tell(what string, ctx context.Context) {
	done := "open"
	select {
	case <-ctx.Done():
		done = "done"
	default:
	}
	s.note(what, ": ", ctx.Err(), ", ", done, ", ", context.Cause(ctx))
}

// steps are what may happen to a context. Some look at it, so that what follows
// meets a context of which nobody knows anything yet, and one that somebody waits for.
var steps = map[string]func(s *scene){
	"err":     func(s *scene) { s.note("err ", s.ctx.Err()) },
	"cause":   func(s *scene) { s.note("cause ", context.Cause(s.ctx)) },
	"release": func(s *scene) { s.release() },
	"leave":   func(s *scene) { s.leave(errGone); _ = s.ctx.Err() }, // seen at once, see below
	"wait":    func(*scene) { time.Sleep(6 * time.Second) },         // twice is past the deadline
	"late":    func(*scene) { time.Sleep(11 * time.Second) },
	"child": func(s *scene) {
		child, cancel := context.WithCancel(s.ctx)
		s.tell("child", child)
		cancel()
		s.tell("child", child)
	},
	"after": func(s *scene) {
		ran := false
		stop := context.AfterFunc(s.ctx, func() { ran = true })
		synctest.Wait()
		s.note("after ", ran, stop())
	},
	"watch": func(s *scene) { // reported when the scene is over
		child, cancel := context.WithTimeout(s.ctx, time.Hour)
		context.AfterFunc(child, func() { s.tell("watched", child); cancel() })
	},
	"value":    func(s *scene) { s.note(s.ctx.Value(sceneKey{}), s.ctx.Value("none")) },
	"deadline": func(s *scene) { d, ok := s.ctx.Deadline(); s.note(time.Until(d), ok) },
}

type sceneKey struct{}

// play returns all that can be seen of a context to which the steps happen.
func play(t *testing.T, names []string, parentTimeout time.Duration, extracted bool) []string {
	var s scene
	synctest.Test(t, func(t *testing.T) {
		parent, leave := context.WithCancelCause(context.WithValue(t.Context(), sceneKey{}, "value"))
		s.leave = leave
		if parentTimeout > 0 {
			var cancel context.CancelFunc
			parent, cancel = context.WithTimeout(parent, parentTimeout)
			defer cancel()
		}
		if extracted {
			s.ctx, s.release = new(call.Propagator).Extract(parent, header{call.TimeoutKey: {"10000"}})
		} else {
			s.ctx, s.release = context.WithTimeout(parent, 10*time.Second)
		}
		for _, name := range names {
			steps[name](&s)
			synctest.Wait()
		}
		s.release()
		synctest.Wait()
		s.tell("end", s.ctx)
		s.leave(nil)
		s.tell("end", s.ctx)
	})
	return s.told
}

// The context of an incoming call with a deadline is context.WithTimeout, to
// everybody who looks and in whatever order.
func TestExtractedDeadlineIsAContext(t *testing.T) {
	names := make([]string, 0, len(steps))
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	const longest = 3
	var try func(prefix []string)
	try = func(prefix []string) {
		if len(prefix) == longest {
			for _, parentTimeout := range []time.Duration{0, 5 * time.Second} {
				want, got := play(t, prefix, parentTimeout, false), play(t, prefix, parentTimeout, true)
				if !slices.Equal(got, want) {
					t.Fatalf("after %q below a parent of %v:\n got %q\nwant %q", prefix, parentTimeout, got, want)
				}
			}
			return
		}
		for _, name := range names {
			try(append(slices.Clip(prefix), name))
		}
	}
	try(nil)
}

// Of two ends that nobody saw come, it is the deadline that counts.
func TestExtractedDeadlineUnseen(t *testing.T) {
	for _, left := range []time.Duration{time.Second, 11 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			parent, leave := context.WithCancelCause(t.Context())
			ctx, release := new(call.Propagator).Extract(parent, header{call.TimeoutKey: {"10000"}})
			defer release()
			time.Sleep(left)
			leave(errGone)
			time.Sleep(11 * time.Second)
			<-ctx.Done()
			if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != context.DeadlineExceeded {
				t.Errorf("left after %v: %v, %v", left, ctx.Err(), context.Cause(ctx))
			}
		})
	}
}

// No timer runs, and nothing is to be released, before somebody asks.
func TestExtractedDeadlineAllocations(t *testing.T) {
	in := header{call.RequestIDKey: {"r"}, call.TimeoutKey: {"1500"}}
	parent, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := testing.AllocsPerRun(100, func() {
		ctx, release := new(call.Propagator).Extract(parent, in)
		if ctx.Err() != nil {
			t.Error(ctx.Err())
		}
		release()
	})
	if n > 2 { // the context, and the function that releases it
		t.Errorf("%v allocations", n)
	}
}

func TestExtractedDeadlineConcurrentSafe(t *testing.T) {
	for range 200 {
		ctx, release := new(call.Propagator).Extract(t.Context(), header{call.TimeoutKey: {"1"}})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { <-ctx.Done() })
			wg.Go(func() {
				if first := ctx.Err(); first != nil && (ctx.Err() != first || context.Cause(ctx) != first) {
					t.Errorf("%v became %v", first, ctx.Err())
				}
			})
			wg.Go(func() {
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				<-child.Done()
			})
			wg.Go(release)
		}
		wg.Wait()
		if ctx.Err() == nil {
			t.Fatal("done without an error")
		}
	}
}
