package sd_test

import (
	"context"
	"iter"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A step is something that happens and what the consumer sees of it. What happens
// is "wait 2s", or a source's letter and its word: "a: x y", "a! boom", "a ends",
// "a panics", "a exits". "hold" and "free" stop the consumer in its loop.
type step struct{ do, want string }

// play runs the steps against an Instancer made of three feeds, in a bubble.
func play(t *testing.T, make3 func(a, b, c sd.Instancer) sd.Instancer, steps []step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		feeds := map[string]*feed{"a": newFeed(), "b": newFeed(), "c": newFeed()}
		tp := record(t, make3(feeds["a"], feeds["b"], feeds["c"]))
		var hold chan struct{}
		for i, s := range steps {
			f, rest := feeds[s.do[:1]], s.do[1:]
			switch {
			case strings.HasPrefix(s.do, "wait "):
				d, err := time.ParseDuration(s.do[5:])
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(d)
			case s.do == "hold":
				hold = make(chan struct{})
				tp.setHold(hold)
			case s.do == "free":
				tp.setHold(nil)
				close(hold)
			case strings.HasPrefix(rest, ":"):
				f.say(strings.Fields(rest[1:])...)
			case strings.HasPrefix(rest, "!"):
				f.fail(strings.TrimSpace(rest[1:]))
			case rest == " ends":
				f.do(func() {})
			case rest == " panics":
				f.do(func() { panic("boom") })
			case rest == " exits":
				f.do(runtime.Goexit)
			default:
				t.Fatalf("no such step: %q", s.do)
			}
			if got := tp.take(); got != s.want {
				t.Errorf("step %d, %q: got %q, want %q", i, s.do, got, s.want)
			}
		}
		tp.stop()
		for name, f := range feeds {
			if f.live != 0 {
				t.Errorf("source %s is still watched %d times", name, f.live)
			}
		}
	})
}

// combinators are all that have one main source, with options under which they
// let sets pass at once.
var combinators = map[string]func(a sd.Instancer) sd.Instancer{
	"Filter":    func(a sd.Instancer) sd.Instancer { return sd.Filter(a, func(*sd.Instance) bool { return true }) },
	"Merge":     func(a sd.Instancer) sd.Instancer { return sd.Merge(a) },
	"Fallback":  func(a sd.Instancer) sd.Instancer { return sd.Fallback(a, sd.Merge()) },
	"Share":     func(a sd.Instancer) sd.Instancer { return sd.Share(a) },
	"Stabilize": func(a sd.Instancer) sd.Instancer { return sd.Stabilize(a, sd.StabilizeGrace(0), sd.StabilizeEmpty(0)) },
	"Subset":    func(a sd.Instancer) sd.Instancer { return sd.Subset(a, 100, "client") },
	"HealthCheck": func(a sd.Instancer) sd.Instancer {
		return sd.HealthCheck(a, func(context.Context, *sd.Instance) error { return nil }, sd.HealthAdmitAtOnce())
	},
}

// eachCombinator plays the same steps through every one of them.
func eachCombinator(t *testing.T, steps []step) {
	for name, combine := range combinators {
		t.Run(name, func(t *testing.T) {
			play(t, func(a, _, _ sd.Instancer) sd.Instancer { return combine(a) }, steps)
		})
	}
}

// fixed is a source of one set.
func fixed(set []*sd.Instance) sd.Instancer {
	return sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
		return func(yield func([]*sd.Instance, error) bool) {
			if yield(set, nil) {
				<-ctx.Done()
			}
		}
	})
}

// first returns the first set of a watch.
func first(t testing.TB, in sd.Instancer) []*sd.Instance {
	for set, err := range in.Watch(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	t.Fatal("the watch ended")
	return nil
}
