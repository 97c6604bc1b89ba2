package sd_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

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
