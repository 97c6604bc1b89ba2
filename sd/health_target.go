package sd

import (
	"container/heap"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A target is an instance with what its probes said.
type target struct {
	in     *Instance
	up     bool
	proven bool // a probe has decided
	streak int  // results in a row against up
	round  int  // the last set it was in; -1 once it has left
	due    time.Time
	place  int // in the queue; -1 while a probe runs
}

// judge notes a result and reports whether the target went up or down by it.
func (t *target) judge(ok bool, needed int) bool {
	if ok == t.up {
		t.proven, t.streak = true, 0
		return false
	}
	t.streak++
	if t.proven && t.streak < needed {
		return false
	}
	t.up, t.proven, t.streak = ok, true, 0
	return true
}

// update takes a set from the source. Targets that stay keep their state.
func (c *checker) update(set []*Instance) {
	presume := c.admit || !slices.ContainsFunc(set, func(in *Instance) bool { return c.target(in) != nil })
	c.round++
	c.list = make([]*target, len(set))
	for i, in := range set {
		t := c.target(in)
		if t == nil {
			t = &target{in: in, up: presume, due: time.Now()}
			if old := c.targets[in.ID]; old != nil {
				c.drop(old)
			}
			c.targets[in.ID] = t
			heap.Push(&c.queue, t)
		}
		t.in, t.round = in, c.round
		c.list[i] = t
	}
	if len(c.targets) > len(set) {
		for _, t := range c.targets {
			if t.round != c.round {
				c.drop(t)
			}
		}
	}
	c.known = true
}

// target returns what is known of an instance, or nil if it is new.
func (c *checker) target(in *Instance) *target {
	if t := c.targets[in.ID]; t != nil && t.in.Addr == in.Addr {
		return t
	}
	return nil
}

// drop forgets a target. The result of a probe that still runs is ignored.
func (c *checker) drop(t *target) {
	delete(c.targets, t.in.ID)
	t.round = -1
	if t.place >= 0 {
		heap.Remove(&c.queue, t.place)
	}
}

// launch starts the probes that are due, as far as there is room. It returns how
// long until the next is due, or false if only a result can make room for it.
func (c *checker) launch(ctx context.Context, now time.Time) (time.Duration, bool) {
	for c.running < c.concurrency && len(c.queue) > 0 {
		if wait := c.queue[0].due.Sub(now); wait > 0 {
			return wait, true
		}
		t := heap.Pop(&c.queue).(*target)
		c.running++
		in := t.in
		c.probes.Go(func() { c.try(ctx, t, in) })
	}
	return 0, false
}

var errProbeExited = errors.New("sd: the probe ended its goroutine")

// try makes one probe. It gives a result whatever the probe does.
func (c *checker) try(ctx context.Context, t *target, in *Instance) {
	r := result{target: t, err: errProbeExited}
	defer func() {
		if v := recover(); v != nil {
			r.crash = newPanicError(v)
		}
		select {
		case c.results <- r:
		case <-ctx.Done(): // the checker is gone
		}
	}()
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r.err = c.probe(bounded, in)
}

// judge takes the result of a probe and plans the next one.
func (c *checker) judge(r result) {
	c.running--
	if r.crash != nil {
		panic(r.crash)
	}
	t := r.target
	if t.round < 0 {
		return
	}
	needed := c.up
	if r.err != nil {
		needed = c.down
	}
	if t.judge(r.err == nil, needed) {
		c.changed = true
		c.report(t.in, r.err)
	}
	t.due = time.Now().Add(c.pause())
	heap.Push(&c.queue, t)
}

// pause returns the interval with its jitter, or what is left of that in a duration.
func (h *health) pause() time.Duration {
	spread := h.jitter * (2*rand.Float64() - 1)
	if d := float64(h.interval) * (1 + spread); d < math.MaxInt64 {
		return time.Duration(d)
	}
	return math.MaxInt64
}
