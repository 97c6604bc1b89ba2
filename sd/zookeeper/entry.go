package zookeeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/go-zookeeper/zk"

	"github.com/dowelkit/dowel/sd"
)

// An entry is the node of one registration; [sd.Keep] drives it. The name of the
// node is the entry's own, so an entry never meets another's: what has that name is
// ours, whatever reply was lost.
type entry struct {
	*Registrar
	link *link

	path  string // of the node; "" before the first
	says  []byte // what was written last; nil if that is not known
	since rank   // of the first node
	trap  *trap  // on the node
	doubt bool   // a request that makes the node may be on its way

	over     atomic.Bool // there will be no Put
	cleaning atomic.Bool
}

// Put makes the node, or writes to it if it is there and the registration has changed.
// A node that still stands after an outage costs one small read and wakes nobody, and
// what an operator has written to it stands.
func (e *entry) Put(ctx context.Context, in sd.Instance) error {
	defer e.pulse.join()()
	if _, err := encode(in, rank{math.MaxInt64, math.MaxInt64}); err != nil {
		return sd.Permanent(fmt.Errorf("zookeeper: the data of the node: %w", err))
	}
	if err := e.connected(ctx); err != nil {
		return refused(err)
	}
	err := e.put(ctx, in)
	if err == nil {
		e.doubt = false
		return nil
	}
	if errors.Is(err, zk.ErrNoNode) && !e.parents {
		// Permanent before the first success only: nobody makes the path.
		return sd.Permanent(fmt.Errorf("zookeeper: put %s: %w: make its parent, or use RegisterParents", e.path, err))
	}
	return refused(fmt.Errorf("zookeeper: put %s: %w", e.path, err))
}

// connected waits for a connection for as long as ctx allows.
func (e *entry) connected(ctx context.Context) error {
	_, err := e.link.ready(ctx, math.MaxInt64, 1)
	if ctx.Err() != nil {
		return fmt.Errorf("zookeeper: %w: %v: %w", errAway, e.conn.State(), ctx.Err())
	}
	return err
}

func (e *entry) put(ctx context.Context, in sd.Instance) (err error) {
	for range 3 {
		if e.path == "" {
			e.path = e.Registrar.path + "/" + newName(in.ID)
		} else if stands, err := e.amend(ctx, in); stands || err != nil {
			return err
		}
		err = e.create(ctx, in)
		if errors.Is(err, zk.ErrNoNode) && e.parents {
			if err = e.makeParents(ctx); err == nil {
				err = e.create(ctx, in)
			}
		}
		if !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
		// A reply was lost, or the node is of our last session: look at it.
	}
	return err
}

// amend has the node say in if it stands, and reports whether it does. A node that
// lingers, of a session that is over, is taken out.
func (e *entry) amend(ctx context.Context, in sd.Instance) (stands bool, err error) {
	r, err := e.ask(ctx, func() (r reply) {
		r.exists, r.stat, r.err = e.conn.Exists(e.path)
		return r
	})
	switch {
	case err != nil || !r.exists:
		return false, err
	case r.stat.EphemeralOwner != e.conn.SessionID():
		if err = remove(ctx, e.conn, e.path); errors.Is(err, zk.ErrNoNode) {
			err = nil
		}
		return false, err
	}
	e.know(r.stat)
	data, err := encode(in, e.sinceIn(r.stat))
	if err != nil || bytes.Equal(data, e.says) {
		return err == nil, err
	}
	if err := e.write(ctx, data); !errors.Is(err, zk.ErrNoNode) {
		return err == nil, err
	}
	return false, nil
}

func (e *entry) write(ctx context.Context, data []byte) error {
	_, err := e.ask(ctx, func() (r reply) {
		r.stat, r.err = e.conn.Set(e.path, data, -1)
		return r
	})
	switch {
	case err == nil:
		e.says = data
	case !errors.Is(err, zk.ErrNoAuth): // it may have been written
		e.says = nil
	}
	return err
}

// sinceIn returns the rank that a node must state because it is not its own.
func (e *entry) sinceIn(stat *zk.Stat) rank {
	if rankOf(stat) == e.since {
		return rank{}
	}
	return e.since
}

// create makes the node. If nobody waits for the reply any more, a node that was
// made after all is found by the next Put, or taken out where there will be none.
func (e *entry) create(ctx context.Context, in sd.Instance) error {
	data, err := encode(in, e.since)
	if err != nil {
		return err
	}
	path := e.path
	e.doubt, e.says = true, nil
	err, late := do(ctx, func() error {
		_, err := e.conn.Create(path, data, zk.FlagEphemeral, e.acl)
		return err
	}, func(err error) {
		if err == nil && e.over.Load() {
			_ = e.conn.Delete(path, -1)
		}
	})
	if err = errors.Join(late, err); err != nil {
		return err
	}
	e.says = data
	return e.learn(ctx)
}

// learn asks for the rank of the first node. Put does not return before it is known:
// whoever lost it could not tell a successor that he came before.
func (e *entry) learn(ctx context.Context) error {
	if e.since != (rank{}) {
		return nil
	}
	r, err := e.ask(ctx, func() (r reply) {
		r.exists, r.stat, r.err = e.conn.Exists(e.path)
		return r
	})
	if err == nil && r.exists {
		e.know(r.stat)
	}
	return err
}

// know notes the rank of the first node.
func (e *entry) know(stat *zk.Stat) {
	if e.since == (rank{}) {
		e.since = rankOf(stat)
	}
}

func (e *entry) ask(ctx context.Context, call func() reply) (reply, error) {
	r, err := do(ctx, call, nil)
	if err == nil {
		err = r.err
	}
	return r, err
}
