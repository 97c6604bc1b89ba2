package grpckit

import (
	"context"
	"time"
)

// youth is how long the first set may take before calls fail for it, as in lb.
const youth = 10 * time.Second

// awaitSet tells waiting calls when there is no hope any more that the registry says
// who is there: at the moment at which a call of [lb.Endpoint] would fail for it.
func (b *connBalancer) awaitSet(ctx context.Context) {
	wait, cancel := context.WithTimeout(ctx, youth)
	defer cancel()
	_ = b.endpointer.FirstSet(wait) // the roster says what went wrong
	if ctx.Err() == nil && b.roster.despair() {
		b.update()
	}
}
