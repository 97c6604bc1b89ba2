package consul

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/consul/api"
)

// A guard looks after one query while that is under way. A blocking query is silent by
// nature: it would hide for minutes that the agent hangs, that the network swallows
// all, or that its own connection is dead and no other. So a little question goes
// beside it, over another connection.
type guard struct {
	*Instancer
	index     uint64        // the query waits for what is newer, with 0 for nothing
	told      uint64        // see query
	late      time.Duration // by how much its answer may be late
	answering atomic.Bool   // its answer has begun
}

// over returns the context for the query, which ends with ErrSilent or errStuck as its
// cause if need be. stop must be called, and waits.
func (g *guard) over(ctx context.Context) (guarded context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		if err := g.look(ctx); err != nil {
			cancel(err)
		}
	})
	guarded = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { g.answering.Store(true) },
	})
	return guarded, func() { cancel(context.Canceled); looking.Wait() }
}

// look returns an error once the agent was silent for too long, or answers the little
// question and not the query, see due. It returns nil when ctx is done.
func (g *guard) look(ctx context.Context) error {
	half := g.options.silence / 2
	for {
		if sleep(ctx, half-rand.N(half/4)) != nil {
			return nil
		}
		newest, err := g.newest(ctx, half)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrSilent, err)
		case !g.due(newest):
			continue
		}
		// A large set may take its time.
		if sleep(ctx, g.late) != nil || g.answering.Load() && sleep(ctx, answerTime) != nil {
			return nil
		}
		if newest > g.index {
			return errStuck
		}
		// Perhaps it is of a server that lags behind the leader.
		asking, cancel := context.WithTimeout(ctx, half)
		newest, err = g.ask(asking, false)
		cancel()
		if err == nil && newest < g.index && g.due(newest) {
			return errStuck
		}
	}
}

// due reports whether a query should be asked anew, as the service changed last at an
// index. If that is after the index for which the query waits, its answer is due. If it
// is before, the agent has begun to count anew since, and may not get there for days.
// But when an instance leaves for another service, Consul tells a query that waits a
// higher index than who asks without waiting; then it still tells what it told before.
func (g *guard) due(newest uint64) bool {
	return newest > g.index || newest != 0 && newest != g.index && newest != g.told
}

// newest asks up to three times within that time. A question that is given up on takes
// its connection along if that is dead, so that the next goes over another.
func (g *guard) newest(ctx context.Context, within time.Duration) (index uint64, err error) {
	start := time.Now()
	for _, until := range []time.Duration{within / 8, within * 3 / 8, within} {
		asking, cancel := context.WithDeadline(ctx, start.Add(until))
		index, err = g.ask(asking, true)
		cancel()
		if err == nil || ctx.Err() != nil {
			return index, err
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", within)
	}
	return 0, err
}

// nobody is a tag that nobody has. The question for those who have it has the shortest
// answer that tells of changes: the index at which the service changed last, and an
// empty list.
const nobody = "dowel-nobody"

// ask returns the index at which the service changed last, by any server or else by the
// leader, and 0 if Consul does not know. Whatever Consul says, a refusal or an error of
// its own, it has answered.
func (g *guard) ask(ctx context.Context, any bool) (index uint64, err error) {
	options := api.QueryOptions{Datacenter: g.options.datacenter, AllowStale: any}
	_, meta, err := g.health.Service(g.service, nobody, false, options.WithContext(ctx))
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if _, failed := errors.AsType[*url.Error](err); failed {
		return 0, err
	}
	if err != nil || !meta.KnownLeader {
		return 0, nil
	}
	return meta.LastIndex, nil
}

// sleep returns an error if ctx is done first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
