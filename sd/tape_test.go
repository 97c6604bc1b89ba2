package sd_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/dowelkit/dowel/sd"
)

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
