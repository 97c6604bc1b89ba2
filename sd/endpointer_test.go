package sd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// event is what a scripted source yields.
type event struct {
	set []*sd.Instance
	err error
}

// script is an Instancer whose events the test pushes.
type script chan event

func (s script) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		for {
			select {
			case e := <-s:
				if !yield(e.set, e.err) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// at returns a set of instances written as "id@addr" or "id".
func at(prev []*sd.Instance, names ...string) []*sd.Instance {
	var found []sd.Instance
	for _, name := range names {
		id, host, ok := strings.Cut(name, "@")
		if !ok {
			host = id
		}
		found = append(found, sd.Instance{ID: id, Addr: host + ":80"})
	}
	return sd.NextSet(prev, found)
}

// conn is a client that notes what is done to it.
type conn struct {
	in     *sd.Instance
	ctx    context.Context
	closed atomic.Int32
}

func (c *conn) Close() error {
	c.closed.Add(1)
	return nil
}

// dialer makes conns and remembers them.
type dialer struct {
	mu    sync.Mutex
	conns []*conn
	hook  func(ctx context.Context, in *sd.Instance) error // may be nil
}

func (d *dialer) dial(ctx context.Context, in *sd.Instance) (*conn, error) {
	if d.hook != nil {
		if err := d.hook(ctx, in); err != nil {
			return nil, err
		}
	}
	c := &conn{in: in, ctx: ctx}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, c)
	return c, nil
}

func (d *dialer) all() []*conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.conns)
}

func ids(s *sd.Set[*conn]) string {
	var out []string
	for i := range s.Len() {
		if s.Node(i).Instance().ID != s.Client(i).in.ID {
			out = append(out, "MIXED UP")
		}
		out = append(out, s.Node(i).Instance().ID)
	}
	return strings.Join(out, " ")
}

// bubble runs a test of one endpointer in virtual time.
func bubble(t *testing.T, hook func(context.Context, *sd.Instance) error, test func(script, *dialer, *sd.Endpointer[*conn]), opts ...sd.EndpointerOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		src, d := make(script), &dialer{hook: hook}
		e := sd.NewEndpointer(src, d.dial, opts...)
		test(src, d, e)
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for _, c := range d.all() {
			if n := c.closed.Load(); n != 1 {
				t.Errorf("client of %s was closed %d times", c.in.ID, n)
			}
			if c.ctx.Err() == nil {
				t.Errorf("the context of the client of %s was not ended", c.in.ID)
			}
		}
	})
}

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

func TestEndpointerDrainsBeforeItCloses(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		set := e.Set()
		node, client := set.Node(0), set.Client(0)
		if !node.Acquire() {
			t.Fatal("a live node refuses")
		}
		src <- event{set: at(nil, "b")}
		synctest.Wait()
		if got := ids(e.Set()); got != "b" {
			t.Errorf("set is %q", got)
		}
		if node.Acquire() {
			t.Error("a node that left accepts calls")
		}
		if client.closed.Load() != 0 || client.ctx.Err() != nil {
			t.Error("the client was closed under a call")
		}
		node.Release()
		synctest.Wait()
		if client.closed.Load() != 1 {
			t.Error("the client was not closed after its last call")
		}
	})
}

func TestEndpointerBoundsTheDrain(t *testing.T) {
	bubble(t, nil, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		client := e.Set().Client(0)
		e.Set().Node(0).Acquire() // and never released
		src <- event{set: at(nil, "b")}
		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		if client.closed.Load() != 0 {
			t.Error("closed before the drain timeout")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if client.closed.Load() != 1 {
			t.Error("not closed after the drain timeout")
		}
	}, sd.DrainTimeout(time.Minute))
}

func TestEndpointerDialsAgain(t *testing.T) {
	var tries atomic.Int32
	hook := func(_ context.Context, in *sd.Instance) error {
		if in.ID == "bad" && tries.Add(1) <= 3 {
			if tries.Load() == 2 {
				panic("a dial that panics")
			}
			return errors.New("connection refused")
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "bad", "good")}
		synctest.Wait()
		if got := ids(e.Set()); got != "good" {
			t.Errorf("set is %q", got)
		}
		if s := e.Status(); s.Instances != 2 || s.Live != 1 || s.DialErr == nil || s.DialFailures != 1 {
			t.Errorf("status is %+v", s)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := ids(e.Set()); got != "bad good" {
			t.Errorf("set is %q", got)
		}
		if s := e.Status(); s.Live != 2 || s.DialErr != nil || s.DialFailures != 3 || s.WatchFailures != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestEndpointerSlowDialsHoldNobodyUp(t *testing.T) {
	hook := func(ctx context.Context, in *sd.Instance) error {
		if strings.HasPrefix(in.ID, "slow") {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a", "slow1", "slow2")}
		synctest.Wait()
		if got := ids(e.Set()); got != "a" {
			t.Errorf("set is %q", got)
		}
		src <- event{set: at(nil, "a", "b", "slow2")} // the dial of slow1 ends at once
		synctest.Wait()
		if got := ids(e.Set()); got != "a b" {
			t.Errorf("set is %q", got)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.DialFailures == 0 || s.Live != 2 {
			t.Errorf("the dial timeout did not fire: %+v", s)
		}
	}, sd.DialTimeout(5*time.Second), sd.DialParallel(3))
}

func TestEndpointerClosesAClientThatComesTooLate(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		time.Sleep(time.Hour) // heeds no context
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if e.Set().Len() != 0 {
			t.Error("a client that came too late was used")
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

func TestEndpointerReady(t *testing.T) {
	refuse := atomic.Bool{}
	refuse.Store(true)
	refused := errors.New("connection refused")
	hook := func(context.Context, *sd.Instance) error {
		if refuse.Load() {
			return refused
		}
		return nil
	}
	bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
		src <- event{set: at(nil, "a")}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := e.Ready(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, refused) {
			t.Errorf("Ready: %v", err)
		}
		refuse.Store(false)
		if err := e.Ready(context.Background()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		go e.Close()
		synctest.Wait()
		if err := e.Ready(context.Background()); !errors.Is(err, sd.ErrClosed) {
			t.Errorf("Ready after Close: %v", err)
		}
	})
}

func TestEndpointerReadyGivesTheOthersALittleTime(t *testing.T) {
	hook := func(_ context.Context, in *sd.Instance) error {
		switch in.ID {
		case "b":
			time.Sleep(50 * time.Millisecond)
		case "slow":
			time.Sleep(5 * time.Second)
		}
		return nil
	}
	for _, tt := range []struct {
		set  []*sd.Instance
		want string
		took time.Duration
	}{
		{at(nil, "a", "b"), "a b", 50 * time.Millisecond},
		{at(nil, "a", "b", "slow"), "a b", 100 * time.Millisecond},
		{at(nil, "slow"), "slow", 5 * time.Second},
	} {
		bubble(t, hook, func(src script, d *dialer, e *sd.Endpointer[*conn]) {
			src <- event{set: tt.set}
			start := time.Now()
			if err := e.Ready(context.Background()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start).Round(10 * time.Millisecond); ids(e.Set()) != tt.want || took != tt.took {
				t.Errorf("ready with %q after %v, want %q after %v", ids(e.Set()), took, tt.want, tt.took)
			}
		})
	}
}

type failingClient struct{}

func (failingClient) Close() error { return errors.New("close failed") }

func TestEndpointerCloseReportsEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := make(script)
		e := sd.NewEndpointer(src, func(context.Context, *sd.Instance) (failingClient, error) { return failingClient{}, nil })
		src <- event{set: at(nil, "a", "b")}
		synctest.Wait()
		for range 2 {
			if err := e.Close(); err == nil || strings.Count(err.Error(), "close failed") != 2 {
				t.Errorf("Close: %v", err)
			}
		}
	})
}

func TestNewEndpointerNamesAllFaults(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		for _, want := range []string{"instancer is nil", "dial is nil", "dial timeout", "parallel", "backoff", "drain", "function for errors", "option is nil"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q does not name %q", text, want)
			}
		}
	}()
	sd.NewEndpointer[*conn](nil, nil, sd.DialTimeout(0), sd.DialParallel(-1), sd.DialBackoff(sd.Backoff{Base: -1}),
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
