package lb

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// mostInTurn is how many nodes are picked strictly in turn. Of more, most picks
	// of a processor would wait twice for what another one wrote: for the turn, and
	// then for the node that it leads to, which is known no sooner.
	mostInTurn = 2048
	// laneCount bounds by how much the picks of two nodes differ.
	laneCount = 16
)

// lanes are turns side by side, each through all nodes.
type lanes struct {
	turns [laneCount]*turn
	// pool keeps to each processor the turn that it put there, as no other thing does
	// without a lock. What gets lost there, as when garbage is collected, is nothing
	// but the habit.
	pool  sync.Pool
	given atomic.Uint32
}

// newLanes returns lanes that are spread over all nodes. The first goes on where it is.
func newLanes(first *turn, all cycle) *lanes {
	l := &lanes{turns: [laneCount]*turn{first}}
	at, n := all.index(first.Load()), int(all.n)
	for k := 1; k < laneCount; k++ {
		l.turns[k] = new(turn)
		l.turns[k].Store(uint32(at + k*n/laneCount))
	}
	l.pool.New = func() any { return l.turns[(l.given.Add(1)-1)%laneCount] }
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
		return p.index(p.turns[p.source.Uint64()%laneCount].Add(1))
	}
	t := p.pool.Get().(*turn)
	i := p.index(t.Add(1))
	p.pool.Put(t) // after the addition, which waits for what comes before it
	return i
}
