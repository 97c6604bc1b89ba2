package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// oblivion is longer than most sessions live without a connection: after it
	// there is nothing left to take out.
	oblivion = time.Minute
	// stragglers is how long a request that was sent over a connection that has
	// broken may still be on its way.
	stragglers = 2 * time.Second
)

// Remove takes the node out. Nobody else has one of that name, so it is ours. What
// cannot be removed now, and what a lost request may yet make, is taken out on the
// side: the session lives on, and the node with it.
func (e *entry) Remove(ctx context.Context) error {
	if e.path == "" {
		return nil
	}
	defer e.pulse.join()()
	e.over.Store(true)
	err := e.tryRemove(ctx)
	for passing(err) && pause(ctx, glance) == nil {
		err = e.tryRemove(ctx)
	}
	// A client that is closed has ended its session, and the node with it.
	gone := err == nil || is(err, zk.ErrNoNode, zk.ErrClosing)
	if err != nil && (!gone || e.doubt) && e.cleaning.CompareAndSwap(false, true) {
		go e.cleanUp(e.path)
	}
	if gone {
		e.doubt = false
		return nil
	}
	return fmt.Errorf("zookeeper: remove %s: %w", e.path, err)
}

func (e *entry) tryRemove(ctx context.Context) error {
	if err := e.connected(ctx); err != nil {
		return err
	}
	return remove(ctx, e.conn, e.path)
}

func remove(ctx context.Context, conn *zk.Conn, path string) error {
	err, late := do(ctx, func() error { return conn.Delete(path, -1) }, nil)
	return errors.Join(late, err)
}

// cleanUp takes a node out as soon as that can be done, or when it turns up. It
// ends soon after there is a connection, with the client, or after oblivion.
func (e *entry) cleanUp(path string) {
	defer e.cleaning.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), oblivion)
	defer cancel()
	var end time.Time
	defer e.pulse.join()()
	for l := newLink(e.pulse); ; {
		if _, err := l.ready(ctx, oblivion, 1); err != nil {
			return
		}
		err := remove(ctx, e.conn, path)
		switch {
		case passing(err):
		case !errors.Is(err, zk.ErrNoNode):
			return
		case end.IsZero():
			end = time.Now().Add(stragglers)
		case time.Now().After(end):
			return
		}
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}
