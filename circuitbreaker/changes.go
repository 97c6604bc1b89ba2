package circuitbreaker

import "sync"

// changes brings the changes of state to a hook, in order, one at a time and
// outside gobreaker's lock: gobreaker calls its own hook inside, where a hook that
// asks for the state would wait for itself.
type changes struct {
	hook func(Change)

	mu         sync.Mutex
	pending    []Change
	delivering bool
}

// note is called inside gobreaker's lock.
func (c *changes) note(change Change) {
	if c.hook == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, change)
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
