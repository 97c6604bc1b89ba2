package grpckit

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/dowelkit/dowel/call"
)

// detour returns a node for a call whose pick, first, has lost its connection a moment
// ago. A call with a key asks the strategy once more, without those that
// are lost: one that goes by keys sends each to an instance of its own. Other calls
// are spread at random: to ask a round robin again would give them all to the next. If
// nobody is connected it is first.
func (p *connectedPicker) detour(ctx context.Context, now time.Duration, v *connectedView, first int) int {
	if call.From(ctx).Key() != "" {
		if i := v.pick(p.avoidingLost(ctx), now); p.usable(i) {
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
