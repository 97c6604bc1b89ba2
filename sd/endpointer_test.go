package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

func TestEndpointerKeepsOneClientPerInstance(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		if got := e.Set().Len(); got != 0 {
			t.Errorf("%d nodes before the first set", got)
		}
		one := at(nil, "a", "b", "c")
		src <- event{set: one}
		synctest.Wait()
		if got := ids(e.Set()); got != "a b c" {
			t.Fatalf("set is %q", got)
		}
		kept := e.Set().Node(1)
		src <- event{set: at(one, "b", "c", "d")}
		synctest.Wait()
		if got := ids(e.Set()); got != "b c d" {
			t.Errorf("set is %q", got)
		}
		if e.Set().Node(0) != kept {
			t.Error("b lost its node")
		}
		if got := len(d.all()); got != 4 {
			t.Errorf("%d dials for 4 instances", got)
		}
		if d.all()[0].closed.Load()+d.all()[1].closed.Load()+d.all()[2].closed.Load() != 1 {
			t.Error("the client of a, and no other, should be closed")
		}
	})
}

func TestEndpointerRenewsAnInstanceInPlace(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		one := at(nil, "a", "b")
		src <- event{set: one}
		synctest.Wait()
		before := e.Set()
		heavy := *one[0]
		heavy.Weight = 7
		src <- event{set: []*sd.Instance{&heavy, one[1]}}
		synctest.Wait()
		after := e.Set()
		if after == before {
			t.Error("no new set for a new weight")
		}
		if after.Node(0) != before.Node(0) || after.Client(0) != before.Client(0) {
			t.Error("a new weight changed the node or the client")
		}
		if got := after.Node(0).Instance().Weight; got != 7 {
			t.Errorf("weight is %d", got)
		}
		src <- event{set: at(nil, "a@elsewhere", "b")}
		synctest.Wait()
		if e.Set().Node(0) == before.Node(0) || len(d.all()) != 3 {
			t.Error("an instance that moved kept its node")
		}
	})
}

func TestEndpointerKeepsTheLastSet(t *testing.T) {
	outage := errors.New("the registry is down")
	var noted atomic.Int32
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		set := at(nil, "a", "b")
		src <- event{set: set}
		synctest.Wait()
		src <- event{err: outage}
		synctest.Wait()
		if got := ids(e.Set()); got != "a b" {
			t.Errorf("an error left the set %q", got)
		}
		if s := e.Status(); !errors.Is(s.WatchErr, outage) || s.Updated.IsZero() {
			t.Errorf("status is %+v", s)
		}
		src <- event{set: set}
		synctest.Wait()
		if s := e.Status(); s.WatchErr != nil {
			t.Errorf("the error outlived the outage: %v", s.WatchErr)
		}
		if noted.Load() != 1 {
			t.Errorf("OnError was called %d times", noted.Load())
		}
		src <- event{}
		synctest.Wait()
		if e.Set().Len() != 0 {
			t.Error("a truly empty set was not published")
		}
	}, sd.OnError(func(error) { noted.Add(1) }))
}

// A deployment that replaces every instance at once must not leave callers with
// none between the old clients and the new.
func TestEndpointerBridgesAReplacementOfAll(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		if in.ID >= "x" {
			time.Sleep(time.Second)
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		src <- event{set: at(nil, "x", "y")}
		synctest.Wait()
		if got := ids(e.Set()); got != "a b" {
			t.Errorf("while x and y are dialed the set is %q", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := ids(e.Set()); got != "x y" {
			t.Errorf("then it is %q", got)
		}
		src <- event{set: at(nil, "z")}
		synctest.Wait()
		src <- event{}
		synctest.Wait()
		if e.Set().Len() != 0 {
			t.Errorf("those who left outlive the truly empty set: %q", ids(e.Set()))
		}
	})
}

// brokenSource ends by itself, panics and exits before it serves.
type brokenSource struct {
	script
	watches atomic.Int32
}

func (b *brokenSource) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	switch b.watches.Add(1) {
	case 1:
		return func(func([]*sd.Instance, error) bool) {}
	case 2:
		panic("a broken adapter")
	case 3:
		runtime.Goexit()
	}
	return b.script.Watch(ctx)
}

func TestEndpointerWatchesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &brokenSource{script: make(script)}
		e := sd.NewEndpointer(src, (&dialer{}).dial)
		defer e.Close()
		src.script <- event{set: at(nil, "a")}
		synctest.Wait()
		if ids(e.Set()) != "a" || src.watches.Load() != 4 {
			t.Errorf("set is %q after %d watches", ids(e.Set()), src.watches.Load())
		}
	})
}

func TestNewEndpointerNamesAllFaults(t *testing.T) {
	for _, nobody := range []sd.Instancer{nil, sd.InstancerFunc(nil)} {
		namesAllFaults(t, nobody)
	}
}

func namesAllFaults(t *testing.T, nobody sd.Instancer) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"instancer is nil", "dial is nil", "dial timeout", "parallel", "backoff", "drain", "function for errors", "option is nil"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not name %q", text, want)
			}
		}
	}()
	sd.NewEndpointer[*conn](nobody, nil, sd.DialTimeout(0), sd.DialParallel(-1), sd.DialBackoff(sd.Backoff{Base: -1}),
		sd.DrainTimeout(-1), sd.OnError(nil), nil)
}

// Millions of calls while instances come and go: none on a closed client.
func TestEndpointerConcurrentSafe(t *testing.T) {
	src, d := make(script), &dialer{}
	e := sd.NewEndpointer(src, d.dial)
	all := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	src <- event{set: at(nil, all...)}
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var callers sync.WaitGroup
	var calls atomic.Int64
	for k := range 4 {
		callers.Go(func() {
			for i := k; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				set := e.Set()
				if set.Len() == 0 {
					t.Error("no instance while one lives")
					return
				}
				n := i % set.Len()
				if !set.Node(n).Acquire() {
					continue
				}
				if set.Client(n).closed.Load() != 0 {
					t.Error("a call on a closed client")
				}
				calls.Add(1)
				set.Node(n).Release()
			}
		})
	}
	for i := range 2000 {
		src <- event{set: at(nil, all[i%len(all)], all[(i+3)%len(all)])}
	}
	close(done)
	callers.Wait()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range d.all() {
		if c.closed.Load() != 1 {
			t.Errorf("a client was closed %d times", c.closed.Load())
		}
	}
	t.Logf("%d calls, %d clients", calls.Load(), len(d.all()))
}
