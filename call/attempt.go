package call

import "slices"

// Attempt sets that this is try number n of the call, counted from 1, and the
// IDs of instances that a balancer should avoid because they were tried. The
// slice is owned by the call from then on.
func Attempt(n int, avoid []string) Option {
	return func(c *Call) { c.attempt, c.avoid = n, avoid }
}

// Attempt returns which try of the call this is, counted from 1.
func (c *Call) Attempt() int {
	if c == nil || c.attempt < 1 {
		return 1
	}
	return c.attempt
}

// Avoided reports whether a balancer should avoid the instance with that ID.
func (c *Call) Avoided(id string) bool {
	return c != nil && slices.Contains(c.avoid, id)
}

// Avoids returns how many instances a balancer should avoid.
func (c *Call) Avoids() int {
	if c == nil {
		return 0
	}
	return len(c.avoid)
}

// AppendAvoided appends the IDs of the instances that a balancer should avoid, for
// an attempt that avoids them and more.
func (c *Call) AppendAvoided(ids []string) []string {
	if c == nil {
		return ids
	}
	return append(ids, c.avoid...)
}

// Retries returns how many tries of this call, here or in the hops before, came
// before this one: the retry mark. A server that gets a marked call should not
// retry in turn, or the load multiplies from hop to hop.
func (c *Call) Retries() int {
	if c == nil {
		return 0
	}
	return c.retries + c.Attempt() - 1
}

// Inherited returns how many tries of this call the hops before had made when it
// came in.
func (c *Call) Inherited() int {
	if c == nil {
		return 0
	}
	return c.retries
}
