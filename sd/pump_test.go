package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// A feed is a source that the test speaks for. Every watch begins with what was
// said last.
type feed struct {
	mu    sync.Mutex
	news  chan struct{}
	set   []*sd.Instance
	known bool
	err   error
	act   func() // what each watch does next
	said  int
	ended int // watches that were begun at or before this count of words end
	live  int
	most  int
	begun int
}

func newFeed() *feed { return &feed{news: make(chan struct{})} }

func (f *feed) change(c func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c()
	f.said++
	close(f.news)
	f.news = make(chan struct{})
}

// say makes the set of instances written "id", "id@host" or "id*weight".
func (f *feed) say(names ...string) {
	f.change(func() { f.set, f.known, f.err = sd.NextSet(f.set, parse(names...)), true, nil })
}

func (f *feed) fail(text string) { f.change(func() { f.err = errors.New(text) }) }

// do makes the present watches, and no later one, call act.
func (f *feed) do(act func()) { f.change(func() { f.act, f.ended = act, f.said }) }

func (f *feed) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		f.mu.Lock()
		born, seen := f.said, -1
		if !f.known && f.err == nil {
			seen = f.said
		}
		f.begun++
		f.live++
		f.most = max(f.most, f.live)
		// A new watch makes its own pointers, as that of an adapter does.
		var own []*sd.Instance
		defer func() {
			f.mu.Lock()
			f.live--
			f.mu.Unlock()
		}()
		for {
			set, known, err, act, news, fresh := f.set, f.known, f.err, f.act, f.news, f.said > seen
			ending := act != nil && born <= f.ended
			seen = f.said
			f.mu.Unlock()
			switch {
			case ctx.Err() != nil:
				return
			case ending:
				act()
				return
			case fresh && err != nil:
				if !yield(nil, err) {
					return
				}
			case fresh && known:
				own = sd.NextSet(own, copies(set))
				if !yield(own, nil) {
					return
				}
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
			f.mu.Lock()
		}
	}
}

func copies(set []*sd.Instance) []sd.Instance {
	var all []sd.Instance
	for _, in := range set {
		all = append(all, *in)
	}
	return all
}

func parse(names ...string) []sd.Instance {
	var found []sd.Instance
	for _, name := range names {
		name, weight, _ := strings.Cut(name, "*")
		id, host, ok := strings.Cut(name, "@")
		if !ok {
			host = id
		}
		w, _ := strconv.Atoi(weight)
		found = append(found, sd.Instance{ID: id, Addr: host + ":80", Weight: w})
	}
	return found
}

func written(set []*sd.Instance) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, in := range set {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(in.ID)
		if host := strings.TrimSuffix(in.Addr, ":80"); host != in.ID {
			b.WriteString("@" + host)
		}
		if in.Weight > 0 {
			fmt.Fprintf(&b, "*%d", in.Weight)
		}
	}
	return b.String() + "]"
}

// A tape records what a watch yields, and checks the law on every set.
type tape struct {
	t      *testing.T
	mu     sync.Mutex
	lines  []string
	last   []*sd.Instance
	hold   chan struct{} // closed to let a consumer go on that sits in its loop
	cancel context.CancelFunc
	done   chan struct{}
}

// record watches until the test ends. It must run in a bubble.
func record(t *testing.T, in sd.Instancer) *tape {
	ctx, cancel := context.WithCancel(t.Context())
	tp := &tape{t: t, cancel: cancel, done: make(chan struct{})}
	go tp.run(ctx, in)
	t.Cleanup(tp.stop)
	return tp
}

func (tp *tape) stop() { tp.cancel(); <-tp.done }

func (tp *tape) run(ctx context.Context, in sd.Instancer) {
	defer close(tp.done)
	returned := false
	defer func() {
		if v := recover(); v != nil {
			if e, ok := v.(*sd.PanicError); ok {
				v = e.Value
			}
			tp.note(fmt.Sprint("panic: ", v))
		} else if !returned {
			tp.note("goexit")
		}
	}()
	for set, err := range in.Watch(ctx) {
		if err != nil {
			tp.note("!" + strings.TrimPrefix(err.Error(), "sd: the source "))
			if set != nil {
				tp.t.Errorf("error %v came with a set", err)
			}
		} else {
			tp.check(set)
			tp.note(written(set))
		}
		tp.mu.Lock()
		hold := tp.hold
		tp.mu.Unlock()
		if hold != nil {
			<-hold
		}
	}
	returned = true
	if ctx.Err() == nil {
		tp.note("ended")
	}
}

func (tp *tape) note(line string) {
	tp.mu.Lock()
	tp.lines = append(tp.lines, line)
	tp.mu.Unlock()
}

// check finds what breaks the law of Instancer: order, duplicates, new pointers.
func (tp *tape) check(set []*sd.Instance) {
	byID := func(a, b *sd.Instance) int { return strings.Compare(a.ID, b.ID) }
	if !slices.IsSortedFunc(set, byID) {
		tp.t.Errorf("set %s is not sorted", written(set))
	}
	for i, in := range set {
		if i > 0 && set[i-1].ID == in.ID {
			tp.t.Errorf("set %s has %s twice", written(set), in.ID)
		}
		j := slices.IndexFunc(tp.last, func(old *sd.Instance) bool { return old.ID == in.ID })
		if j >= 0 && tp.last[j].Equal(in) && tp.last[j] != in {
			tp.t.Errorf("%s did not change and lost its pointer", in.ID)
		}
	}
	tp.last = set
}

// take returns what came since it was called last, once nothing more comes.
func (tp *tape) take() string {
	synctest.Wait()
	tp.mu.Lock()
	defer tp.mu.Unlock()
	lines := tp.lines
	tp.lines = nil
	return strings.Join(lines, " ")
}

func (tp *tape) setHold(c chan struct{}) {
	tp.mu.Lock()
	tp.hold = c
	tp.mu.Unlock()
}

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
