package zookeeper

import (
	"context"
	"errors"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// A node is one child. While it is read it belongs to the goroutine that reads it.
type node struct {
	name  string
	trap  *trap // nil if it is not set
	stale bool
	due   time.Time // before which it is not read
	fresh bool      // read, and not as before
	gone  bool

	audited bool // it is stale, but most likely as it was

	version int64 // the transaction that wrote what was read; 0 before that
	rank    rank
	in      sd.Instance
	fault   error // why it is no instance
	told    bool  // of the fault

	refusals int   // of the server, in a row
	refusal  error // the last, if the node was known before
	moaned   bool  // of it
}

// refusals is how long to wait before a node is read again that a server refused. No
// event says when a server has thought better of it.
var refusals = sd.Backoff{Cap: 30 * time.Second}

// read brings one node up to date. If a server refuses that, a node that is known
// stands as it was: only the server's word that it is gone takes it out.
func (v *view) read(ctx context.Context, n *node) error {
	err := v.tryRead(ctx, v.path+"/"+n.name, n)
	switch {
	case err == nil:
		n.refusals, n.refusal, n.moaned = 0, nil, false
	case errors.Is(err, zk.ErrNoNode):
		// Whoever makes it again changes the list.
		n.gone = true
	case ctx.Err() != nil || passing(err) || errors.Is(err, zk.ErrClosing):
		return err
	default:
		n.refuse(err)
		return nil
	}
	n.stale = false
	return nil
}

func (v *view) tryRead(ctx context.Context, path string, n *node) error {
	if n.trap != nil && n.version != 0 {
		r, err := v.ask(ctx, func() (r reply) { // for no data
			r.exists, r.stat, r.err = v.conn.Exists(path)
			return r
		})
		switch {
		case err != nil:
			return err
		case !r.exists:
			return zk.ErrNoNode
		case r.stat.Mzxid == n.version:
			return nil
		}
	}
	r, err := v.get(ctx, path, n)
	if err == nil {
		n.hear(r)
	}
	return err
}

func (v *view) get(ctx context.Context, path string, n *node) (reply, error) {
	on := snare{path: path}
	if n.trap == nil {
		v.arm(n.name, &n.trap, v.armory.take(on))
	}
	if n.trap != nil {
		return v.ask(ctx, func() (r reply) {
			r.data, r.stat, r.err = v.conn.Get(path)
			return r
		})
	}
	r, err := v.ask(ctx, func() (r reply) {
		var sprung <-chan zk.Event
		r.data, r.stat, sprung, r.err = v.conn.GetW(path)
		if r.err == nil {
			r.trap = &trap{on, sprung}
		}
		return r
	})
	v.arm(n.name, &n.trap, r.trap)
	return r, err
}

// hear takes in what was read.
func (n *node) hear(r reply) {
	in, since, err := decode(r.data)
	if err != nil {
		n.blame(err, r.stat.Mzxid)
		return
	}
	if in.ID == "" {
		in.ID = in.Addr
	}
	if since == (rank{}) {
		since = rankOf(r.stat)
	}
	if n.version == 0 || n.fault != nil || n.rank != since || !n.in.Equal(&in) {
		n.fresh = true
	}
	n.version, n.rank, n.in, n.fault = r.stat.Mzxid, since, in, nil
}

// blame notes why a node is no instance. What was told is not told again.
func (n *node) blame(err error, version int64) {
	if n.fault != nil && n.version == version && n.fault.Error() == err.Error() {
		return
	}
	n.fresh, n.told = true, false
	n.version, n.fault, n.in = version, err, sd.Instance{}
}

// refuse notes that a server does not let us read the node.
func (n *node) refuse(err error) {
	n.refusals++
	n.due = time.Now().Add(refusals.Delay(n.refusals))
	if n.version == 0 {
		n.blame(err, 0)
		return
	}
	if n.refusal == nil {
		n.fresh = true
	}
	n.refusal = err
}
