package zookeeper

import (
	"sync"

	"github.com/go-zookeeper/zk"
)

// A trap is a watch that the client keeps for us on one node: what it is set on,
// and the channel that tells when it has sprung, once.
type trap struct {
	snare
	sprung <-chan zk.Event
}

// A snare is what a trap is set on.
type snare struct {
	path     string
	children bool // the list of children, and not the data or the existence
}

// set reports whether the trap has not sprung. The channel is closed after its one
// event, so it does not matter who receives that.
func (t *trap) set() bool {
	select {
	case <-t.sprung:
		return false
	default:
		return true
	}
}

// An armory keeps the traps that nobody waits for any more. The client cannot take
// one back: it holds it, and sets it again after each reconnect, until it springs.
// So that watches which come and go do not fill the memory of the client, the next
// one uses what the last one left behind. It is safe for concurrent use.
type armory struct {
	mu    sync.Mutex
	traps map[snare][]*trap
}

// put takes back a trap, which may have sprung.
func (a *armory) put(t *trap) {
	if !t.set() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.traps == nil {
		a.traps = make(map[snare][]*trap)
	}
	a.traps[t.snare] = append(a.traps[t.snare], t)
}

// take returns a trap that is set, or nil if there is none.
func (a *armory) take(on snare) *trap {
	a.mu.Lock()
	defer a.mu.Unlock()
	for left := a.traps[on]; len(left) > 0; {
		t := left[len(left)-1]
		left = left[:len(left)-1]
		a.keep(on, left)
		if t.set() {
			return t
		}
	}
	return nil
}

// sweep throws away what has sprung.
func (a *armory) sweep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for on, traps := range a.traps {
		left := traps[:0]
		for _, t := range traps {
			if t.set() {
				left = append(left, t)
			}
		}
		clear(traps[len(left):])
		a.keep(on, left)
	}
}

func (a *armory) keep(on snare, left []*trap) {
	if len(left) == 0 {
		delete(a.traps, on)
		return
	}
	a.traps[on] = left
}
