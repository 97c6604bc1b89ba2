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
// its own. If it insists the call goes to a random one, so that no neighbour gets all. If
// nobody is connected it is first.
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
	chosen, n := first, 0
	for i := range p.links {
		if !p.usable(i) {
			continue
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
