package sd

import "sync"

// tally sums the calls that have entered nodes which come and go.
type tally struct {
	mu    sync.Mutex
	total uint64
}

// sum adds what has entered since the nodes were last looked at.
func (t *tally) sum(nodes []*Node) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range nodes {
		now := n.Entered()
		t.total += uint64(now - n.summed)
		n.summed = now
	}
	return t.total
}
