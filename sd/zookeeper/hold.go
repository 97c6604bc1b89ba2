package zookeeper

import (
	"sync"
	"time"
)

// longest is how long answers are held back at most: a client whose watches have all
// sprung sets none again, and does not say so. In short sessions it is less, for the
// client has a deadline for each answer.
const longest = 500 * time.Millisecond

// A hold keeps back the answers to what a client asked while its connection was away
// until it has begun to set its watches again. To do so it reads the last transaction
// that it has seen, and does not guard that against an answer, which overwrites it:
// what happened in between would be missed. The zero value holds nothing.
type hold struct {
	mu   sync.Mutex
	over chan struct{} // closed by release; nil if nothing is held
}

func (h *hold) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = make(chan struct{})
}

func (h *hold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil {
		close(h.over)
		h.over = nil
	}
}

// wait returns when nothing is held any more, or after limit.
func (h *hold) wait(limit time.Duration) {
	h.mu.Lock()
	over := h.over
	h.mu.Unlock()
	if over == nil {
		return
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-over:
	case <-t.C:
		h.release()
	}
}
