package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

var (
	errGone    = errors.New("the node was deleted")
	errSession = errors.New("the node was of a session that is over")
)

// Hold waits until the node is gone. It costs nothing while all is well: the client
// keeps the session, and the server says when the node is deleted.
func (e *entry) Hold(ctx context.Context) error {
	defer e.pulse.join()()
	check := true
	for {
		if e.link.interrupted() {
			if _, err := e.link.ready(ctx, grace, 1); err != nil {
				return err
			}
			check = true
		}
		_, news := e.link.now()
		if check || e.trap == nil {
			err := e.check(ctx)
			if err != nil && !passing(err) {
				return fmt.Errorf("zookeeper: hold %s: %w", e.path, err)
			}
			check = err != nil
		}
		var sprung <-chan zk.Event
		if e.trap != nil {
			sprung = e.trap.sprung
		}
		var again <-chan time.Time
		if check {
			again = time.After(glance)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sprung:
			e.trap = nil
		case <-news:
		case <-again:
		}
	}
}

// check asks whether the node stands, and sets the trap that tells when it falls.
func (e *entry) check(ctx context.Context) error {
	armed := e.trap != nil
	r, err := e.ask(ctx, func() (r reply) {
		if armed {
			r.exists, r.stat, r.err = e.conn.Exists(e.path)
			return r
		}
		var sprung <-chan zk.Event
		r.exists, r.stat, sprung, r.err = e.conn.ExistsW(e.path)
		if r.err == nil {
			r.trap = &trap{snare{path: e.path}, sprung}
		}
		return r
	})
	if !armed {
		e.trap = r.trap
	}
	switch {
	case err != nil:
		return err
	case !r.exists:
		return errGone
	case r.stat.EphemeralOwner != e.conn.SessionID():
		return errSession
	}
	e.know(r.stat)
	return nil
}

// makeParents makes what is missing of the path. It begins below what is there: to
// ask for more may not be permitted.
func (e *entry) makeParents(ctx context.Context) error {
	path := e.Registrar.path
	missing := []string{}
	for path != "" {
		r, err := e.ask(ctx, func() (r reply) {
			r.exists, r.stat, r.err = e.conn.Exists(path)
			return r
		})
		if err != nil {
			return err
		}
		if r.exists {
			break
		}
		missing = append(missing, path)
		path = path[:strings.LastIndexByte(path, '/')]
	}
	for i := len(missing) - 1; i >= 0; i-- {
		_, err := e.ask(ctx, func() (r reply) {
			_, r.err = e.conn.Create(missing[i], nil, zk.FlagPersistent, e.acl)
			return r
		})
		if err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return fmt.Errorf("make the parent %s: %w", missing[i], err)
		}
	}
	return nil
}
