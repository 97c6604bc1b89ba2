package consul

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
)

// guard returns a context that ends with ErrSilent as its cause when the agent falls
// silent. A blocking query cannot tell: it is silent by nature, and would hide for
// minutes that the agent hangs or the network swallows all. So a little question goes
// beside it. stop must be called, and waits.
func (i *Instancer) guard(ctx context.Context) (guarded context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var asking sync.WaitGroup
	asking.Go(func() {
		if err := i.listen(ctx); err != nil {
			cancel(err)
		}
	})
	return ctx, func() { cancel(context.Canceled); asking.Wait() }
}

// listen returns an error once the agent was silent for too long, and nil when ctx is
// done.
func (i *Instancer) listen(ctx context.Context) error {
	half := i.options.silence / 2
	for {
		t := time.NewTimer(half - rand.N(half/4))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
		err := i.answers(ctx, half)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSilent, err)
		}
	}
}

// answers asks for the address of the leader, the shortest answer there is. Whatever
// Consul says, a refusal or an error of its own, it has answered.
func (i *Instancer) answers(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("no answer within %v", within))
	defer cancel()
	_, err := i.status.LeaderWithQueryOptions(new(api.QueryOptions).WithContext(ctx))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, failed := errors.AsType[*url.Error](err); failed {
		return err
	}
	return nil
}
