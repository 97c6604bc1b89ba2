package lb

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/sd"
)

// RoundRobin returns the strategy that picks the instances in turn. Each balancer
// starts at a random instance, so that many fresh clients do not meet at one; a
// change of the set keeps the position.
func RoundRobin() Strategy { return roundRobin{} }

type roundRobin struct{ chance }

func (r roundRobin) Picker(nodes []*sd.Node, prev Picker) Picker {
	if p, ok := prev.(*roundRobinPicker); ok {
		return &roundRobinPicker{n: uint32(len(nodes)), turn: p.turn}
	}
	p := &roundRobinPicker{n: uint32(len(nodes)), turn: new(turn)}
	p.turn.Store(uint32(r.below(len(nodes))))
	return p
}

type roundRobinPicker struct {
	n    uint32 // a division of 32 bits takes a tenth of the pick less than one of 64
	turn *turn
}

// turn has cache lines to itself: every pick of every core writes it.
type turn struct {
	_ [128]byte
	atomic.Uint32
	_ [124]byte
}

func (p *roundRobinPicker) Pick(context.Context, time.Duration) int {
	return int(p.turn.Add(1) % p.n)
}
