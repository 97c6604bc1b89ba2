package lb

import (
	"context"
	"errors"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// youth is how long the instances may take to be known before calls fail for it: as
// long as a person waits.
const youth = 10 * time.Second

// PickOrWait is [Balancer.Pick] for whoever cannot know that an instance is live
// already: if none is, it waits until the registry has said who is there, or that it
// cannot say, see [sd.Endpointer.FirstSet], and picks then. It does so until ctx ends,
// and for as long as the balancer is less than ten seconds old. [Endpoint] picks this
// way.
//
// If ctx ends first, the error has the code of the context's and wraps that too.
func (b *Balancer[C]) PickOrWait(ctx context.Context) (Lease[C], error) {
	l, err := b.Pick(ctx)
	if err == nil {
		return l, nil
	}
	return b.pickLater(ctx, err)
}

// pickLater picks again after a Pick that failed with err.
func (b *Balancer[C]) pickLater(ctx context.Context, err error) (Lease[C], error) {
	old := b.epoch.Add(youth)
	if !time.Now().Before(old) {
		return Lease[C]{}, err
	}
	wait, cancel := context.WithDeadline(ctx, old)
	defer cancel()
	_ = b.endpointer.FirstSet(wait) // the pick says what went wrong
	if cause := ctx.Err(); cause != nil {
		e := b.none()
		e.Code, e.Err = endpoint.CodeOf(cause), errors.Join(cause, e.Err)
		return Lease[C]{}, e
	}
	return b.Pick(ctx)
}
