package grpckit

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/call"
)

// detour returns a node for a call whose pick, first, has lost its connection. It asks
// the strategy again, for a call with a key without those that are lost: one
// that goes by keys would name the same for ever, and so sends each key to an instance of
// its own. If it insists the call goes to a random one, so that no neighbour gets all, and
// to one that is ejected only if no other is connected. If nobody is it is first.
func (p *connectedPicker) detour(ctx context.Context, now time.Duration, first int) int {
	again := ctx
	if call.From(ctx).Key() != "" {
		again = p.avoidingLost(ctx)
	}
	for range 4 {
		if i := p.inner.Pick(again, now); p.usable(i) {
			return i
		}
	}
	chosen, n, well := first, 0, false
	out := p.Ejected(now) // sorted by ID, as the nodes are
	for i, node := range p.nodes {
		ejected := false
		for len(out) > 0 && out[0].Instance.ID <= node.Instance().ID {
			ejected, out = out[0].Instance.ID == node.Instance().ID, out[1:]
		}
		if !p.usable(i) || ejected && well {
			continue
		}
		if !ejected && !well {
			n, well = 0, true
		}
		if n++; rand.IntN(n) == 0 {
			chosen = i
		}
	}
	return chosen
}

// avoidingLost returns a context whose call avoids those that are not connected too.
func (p *connectedPicker) avoidingLost(ctx context.Context) context.Context {
	var lost []string
	for i, n := range p.nodes {
		if !p.usable(i) {
			lost = append(lost, n.Instance().ID)
		}
	}
	c := call.From(ctx)
	return call.With(ctx, call.Attempt(c.Attempt(), c.AppendAvoided(lost)))
}
