package sdtest

import (
	"sync"
	"testing"
)

// joint is one fault of the whole registry for several cases: whoever gets there
// waits for the others, and then it is done once for all.
type joint struct {
	mu      sync.Mutex
	members int
	waiting int
	do      func()
	met     chan struct{}
	restore func()
}

func newJoint(members int) *joint { return &joint{members: members, met: make(chan struct{})} }

// meet returns when one of the members that meet here has called do.
func (j *joint) meet(do func()) { <-j.arrive(do) }

func (j *joint) arrive(do func()) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting++
	j.do = do
	met := j.met
	j.perform()
	return met
}

// leave takes a member out, for whom nobody waits any more.
func (j *joint) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.members--
	j.perform()
}

// perform needs the lock.
func (j *joint) perform() {
	if j.waiting == 0 || j.waiting < j.members {
		return
	}
	do, met := j.do, j.met
	j.do, j.waiting, j.met = nil, 0, make(chan struct{})
	defer close(met)
	do()
}

// outage begins one outage for all members, and returns what ends it.
func (j *joint) outage(t *testing.T, begin func(*testing.T) func()) (restore func()) {
	j.meet(func() { j.restore = begin(t) })
	return func() { j.meet(func() { j.restore() }) }
}
