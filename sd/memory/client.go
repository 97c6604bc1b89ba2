package memory

import (
	"context"
	"errors"
	"sync"

	"github.com/dowelkit/dowel/sd"
)

// ErrClosed is what every operation of a closed [Client] fails with, and what its
// watches yield.
var ErrClosed = errors.New("memory: the client is closed")

// Client is one way to a registry, as a connection is to a real one: it can be
// cut off while the registry serves others. [Registry.Client] makes it. It is
// safe for concurrent use and holds nothing that needs a Close.
type Client struct {
	registry *Registry

	mu   sync.Mutex
	line *line
}

// line is the state of a client's connection. It is immutable.
type line struct {
	cut     Direction
	closed  bool
	changed chan struct{} // closed when there is a newer one
}

// Direction is one way through a network. Both are Requests|Replies.
type Direction uint8

// The directions.
const (
	Requests Direction = 1 << iota // what the client sends
	Replies                        // what the registry sends: answers, and news to watches
)

// Client returns a new way to the registry.
func (r *Registry) Client() *Client {
	return &Client{registry: r, line: &line{changed: make(chan struct{})}}
}

// Instancer is like [Registry.Instancer], by way of the client.
func (c *Client) Instancer(service string) sd.Instancer {
	if err := checkName(service); err != nil {
		panic("memory: Instancer: " + err.Error())
	}
	s := c.registry.service(service)
	return sd.InstancerFunc(func(ctx context.Context) pairs { return s.watch(ctx, c) })
}

// Cut holds back what goes in these directions, until Heal; it replaces what was
// cut before. Without Requests registrations and new watches hang until their
// context is done, and leases run out. Without Replies what was asked for is done,
// and nobody learns of it.
func (c *Client) Cut(d Direction) { c.change(func(l *line) { l.cut = d }) }

// Heal ends a Cut, and what was held back goes on.
func (c *Client) Heal() { c.Cut(0) }

// Close makes everything fail with ErrClosed from now on: Register at once,
// watches beside the last set, and heartbeats, so that leases run out. It may be
// called again.
func (c *Client) Close() { c.change(func(l *line) { l.closed = true }) }

func (c *Client) change(change func(*line)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := &line{cut: c.line.cut, closed: c.line.closed, changed: make(chan struct{})}
	change(next)
	close(c.line.changed)
	c.line = next
}

func (c *Client) now() *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line
}

// do is an operation of a registrant: a request, the change that it makes while
// the registry's mutex is held, and the reply.
func (c *Client) do(ctx context.Context, change func()) error {
	if err := c.pass(ctx, Requests); err != nil {
		return err
	}
	if err := c.registry.enter(ctx); err != nil {
		return err
	}
	func() {
		defer c.registry.mu.Unlock()
		change()
	}()
	return c.pass(ctx, Replies)
}

// pass waits until something gets through.
func (c *Client) pass(ctx context.Context, d Direction) error {
	for {
		l := c.now()
		if l.closed {
			return sd.Permanent(ErrClosed)
		}
		if l.cut&d == 0 {
			return nil
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
