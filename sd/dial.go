package sd

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// dialed is the outcome of one dial.
type dialed[C any] struct {
	member *member[C]
	client C
	err    error
}

// dialNext starts dials from the queue, as many as may run.
func (m *manager[C]) dialNext(ctx context.Context) {
	for len(m.queue) > 0 && m.dialing < m.e.options.parallel {
		member := m.queue[0]
		m.queue[0] = nil
		m.queue = m.queue[1:]
		if member.gone {
			continue
		}
		// A client may keep this context, so it must outlast the drain: it ends
		// by its own cancel and not by that of the Endpointer.
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		member.cancel = cancel
		in := member.node.Instance()
		m.dialing++
		m.e.running.Go(func() {
			d := dialed[C]{member: member, err: errDialExited}
			defer m.e.leave(func(in *inbox[C]) { in.dialed = append(in.dialed, d) })
			d.client, d.err = m.e.dialOne(ctx, cancel, in)
		})
	}
	if len(m.queue) == 0 {
		m.queue = nil
	}
}

var errDialExited = errors.New("sd: the dial ended its goroutine")

// dialOne dials once, for the dial timeout at most. A client that comes later
// than that is closed.
func (e *Endpointer[C]) dialOne(ctx context.Context, cancel context.CancelFunc, in *Instance) (client C, err error) {
	err = errDialExited // stands only if dial does not return
	late := time.AfterFunc(e.options.dialTimeout, cancel)
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		if !late.Stop() {
			timeout := fmt.Errorf("%w after %v", context.DeadlineExceeded, e.options.dialTimeout)
			if err == nil {
				e.closeClient(client)
				err = timeout
			} else { // most likely that it was cancelled, which does not tell by whom
				err = fmt.Errorf("%w: %w", timeout, err)
			}
		}
		if err != nil {
			cancel()
			err = fmt.Errorf("sd: dial %s at %s: %w", in.ID, in.Addr, err)
		}
	}()
	client, err = e.dial(ctx, in)
	return client, err
}

// dialed makes the member live, plans its next dial, or closes the client of one
// that has left meanwhile.
func (m *manager[C]) dialed(d dialed[C]) {
	m.dialing--
	member, e := d.member, m.e
	m.dialedOnce(member)
	switch {
	case member.gone && d.err == nil:
		member.cancel()
		e.running.Go(func() { e.closeClient(d.client) }) // it may take its time
	case member.gone:
		// It was cancelled, most likely by us.
	case d.err == nil:
		member.client, member.live = d.client, true
		m.live++
		m.stale = true
	default:
		member.fails++
		e.fail(d.err, false)
		member.retry = time.AfterFunc(e.options.backoff.Delay(member.fails), func() {
			e.leave(func(in *inbox[C]) { in.retries = append(in.retries, member) })
		})
	}
}

// closeClient closes a client that can be closed. Its error goes to OnError, and
// to whoever calls Close.
func (e *Endpointer[C]) closeClient(client C) {
	err := closed(client)
	if err == nil {
		return
	}
	e.mu.Lock()
	if e.closed {
		e.closing = errors.Join(e.closing, err)
	}
	e.mu.Unlock()
	if e.options.onError != nil {
		e.options.onError(fmt.Errorf("sd: close a client: %w", err))
	}
}

// closed closes a client. One that panics is no reason to take the process down.
func closed(client any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	switch c := client.(type) {
	case interface{ Close() error }:
		return c.Close()
	case interface{ Close() }:
		c.Close()
	}
	return nil
}
