package lb

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// laneCount returns how many turns a set of n has, a power of two: by so many may the
// picks of two nodes differ, which is as nothing only where there are many nodes. With
// one turn most picks of a processor wait twice for what another one wrote: for the turn,
// and then for the node that it leads to, which is known no sooner.
func laneCount(n int) int {
	const nodes, most = 32, 16
	return 1 << max(0, bits.Len(uint(min(n/nodes, most)))-1)
}

// lanes are turns side by side, each through all nodes.
type lanes struct {
	turns []*turn
	// pool keeps to each processor the turn that it put there, as no other thing does
	// without a lock. What gets lost there, as when garbage is collected, is nothing
	// but the habit.
	pool  sync.Pool
	given atomic.Uint32
}

// newLanes returns lanes that are spread over all nodes. Those that prev has, if it is
// not nil, go on where they are, as does the first.
func newLanes(count int, first *turn, prev *lanes, all cycle) *lanes {
	l := &lanes{turns: make([]*turn, count)}
	known := []*turn{first}
	if prev != nil {
		known = prev.turns
	}
	at, n := all.index(first.Load()), int(all.n)
	for k := copy(l.turns, known); k < count; k++ {
		l.turns[k] = new(turn)
		l.turns[k].Store(uint32(at + k*n/count))
	}
	l.pool.New = func() any { return l.turns[(l.given.Add(1)-1)%uint32(count)] }
	return l
}

// lanePicker is the picker of a large set.
type lanePicker struct {
	cycle
	*lanes
	chance
}

func (p *lanePicker) Pick(context.Context, time.Duration) int {
	if p.source != nil {
		return p.index(p.turns[p.source.Uint64()%uint64(len(p.turns))].Add(1))
	}
	t := p.pool.Get().(*turn)
	i := p.index(t.Add(1))
	p.pool.Put(t) // after the addition, which waits for what comes before it
	return i
}
