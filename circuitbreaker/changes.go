package circuitbreaker

import (
	"sync"
	"sync/atomic"
)

// changes brings the changes of state to a hook, in order, one at a time and
// outside gobreaker's lock: gobreaker calls its own hook inside, where a hook that
// asks for the state would wait for itself.
type changes struct {
	name string
	hook func(Change)

	forced atomic.Uint32 // a Force; written with mu held

	mu         sync.Mutex
	own        State // that the circuit has or would have by itself
	pending    []Change
	delivering bool
}

// note is called inside gobreaker's lock. Beneath a force nobody sees the change.
func (c *changes) note(own State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Force(c.forced.Load())
	c.add(f.over(c.own), f.over(own))
	c.own = own
}

func (c *changes) force(f Force) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(Force(c.forced.Load()).over(c.own), f.over(c.own))
	c.forced.Store(uint32(f))
}

func (c *changes) add(from, to State) {
	if c.hook != nil && from != to {
		c.pending = append(c.pending, Change{Name: c.name, From: from, To: to})
	}
}

// deliver returns at once if another goroutine delivers, or the hook itself is
// the caller: the one that delivers goes on until nothing is pending.
func (c *changes) deliver() {
	if c.hook == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.delivering {
		return
	}
	c.delivering = true
	defer func() { c.delivering = false }()
	for len(c.pending) > 0 {
		next := c.pending[0]
		c.pending = c.pending[1:]
		c.call(next)
	}
}

func (c *changes) call(change Change) {
	c.mu.Unlock()
	defer c.mu.Lock() // also after a panic of the hook
	c.hook(change)
}
