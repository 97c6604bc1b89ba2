package sd

import "sync"

// tally sums the calls that have entered nodes which come and go.
type tally struct {
	mu    sync.Mutex
	total uint64
}

// sum adds what has entered since the nodes were last looked at. A count that has
// fallen is that of a call taken back after it was summed: the next one makes up for it.
func (t *tally) sum(nodes []*Node) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range nodes {
		now := n.Entered()
		if more := int32(now - n.summed); more > 0 {
			t.total += uint64(more)
			n.summed = now
		}
	}
	return t.total
}
