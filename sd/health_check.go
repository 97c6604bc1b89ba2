package sd

import (
	"context"
	"iter"
	"sync"
	"time"
)

// A checker is the state of one watch of HealthCheck. One goroutine owns it; only
// probes run beside, and give their results through a channel.
type checker struct {
	*health
	out     outlet
	targets map[string]*target // by ID
	round   int                // counts sets, to find the targets that left
	list    []*target          // of the newest set, in its order
	known   bool               // the source said a set
	fresh   bool               // it said a newer one than was yielded
	changed bool               // a target went up or down since
	over    error              // of the source, which a set has ended
	err     error              // of the source, while that is in error
	failed  bool               // err is to be yielded
	queue   probeQueue
	running int
	results chan result
	probes  sync.WaitGroup
}

type result struct {
	target *target
	err    error
	crash  *PanicError
}

// batch is how many results may wait, to be judged at once and published as one set.
const batch = 1024

// check is the watch itself. It never waits for a consumer, as it yields to a pump.
func (h *health) check(ctx context.Context) iter.Seq2[[]*Instance, error] {
	return func(yield func([]*Instance, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		c := &checker{
			health: h, out: outlet{yield: yield}, targets: make(map[string]*target),
			results: make(chan result, min(h.concurrency, batch)),
		}
		p := startPump(ctx, h.source)
		defer stop(p)
		defer c.probes.Wait()
		defer cancel()
		c.run(ctx, p)
	}
}

func (c *checker) run(ctx context.Context, p *pump) {
	wake := make(chan struct{}, 1)
	source := p.read(wake)
	due := resting()
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-due.C:
		case r := <-c.results:
			c.judge(r)
			for len(c.results) > 0 {
				c.judge(<-c.results)
			}
		case <-wake:
			c.hear(source.take())
		}
		if ctx.Err() != nil {
			return
		}
		due.Stop()
		if wait, ok := c.launch(ctx, time.Now()); ok {
			due.Reset(wait)
		}
		if !c.publish() {
			return
		}
	}
}

// hear takes what the source said.
func (c *checker) hear(n news) {
	if n.over != nil {
		c.over = n.over
	}
	if n.fresh {
		c.update(n.set)
		c.fresh, c.err, c.failed = true, nil, false
	}
	if n.err != nil {
		c.err, c.failed = n.err, true
	}
}

// publish yields what is new: the set, and the source's error after each set for
// as long as it stands.
func (c *checker) publish() bool {
	if err := c.over; err != nil {
		if c.over = nil; !c.out.fail(err) {
			return false
		}
	}
	if c.known && (c.fresh || c.changed) {
		set := c.choose()
		if c.fresh || c.out.differs(set) {
			if !c.out.set(set) {
				return false
			}
			c.failed = c.err != nil
		}
		c.fresh, c.changed = false, false
	}
	if !c.failed {
		return true
	}
	c.failed = false
	return c.out.fail(c.err)
}

// choose returns the healthy instances, or all if those are too few.
func (c *checker) choose() []*Instance {
	up, all := make([]*Instance, 0, len(c.list)), make([]*Instance, 0, len(c.list))
	for _, t := range c.list {
		all = append(all, t.in)
		if t.up {
			up = append(up, t.in)
		}
	}
	if len(up) == 0 || float64(len(up)) < c.panicBelow*float64(len(all)) {
		return all
	}
	return up
}
