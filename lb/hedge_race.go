package lb

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// HedgePanic is what [Hedge] panics with, in the goroutine of the call, when the
// second attempt panicked in its own.
type HedgePanic struct {
	Value any    // what the attempt panicked with
	Stack []byte // of the attempt's goroutine
}

// Error returns the value and the stack.
func (p *HedgePanic) Error() string {
	return fmt.Sprintf("lb: the second attempt panicked: %v\n\n%s", p.Value, p.Stack)
}

// Unwrap returns the value if it is an error.
func (p *HedgePanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// race is one call of a hedger: attempt 0 in the call's goroutine and perhaps attempt
// 1 in another.
type race struct {
	*hedger
	call   *call.Call // before the race
	ctx    context.Context
	cancel context.CancelFunc // of both attempts
	lead   context.Context    // of attempt 0
	runner runner
	// hedging is hedge: to make a value of a method costs an allocation.
	hedging func()

	records  [2]*call.Record
	panicked *HedgePanic
	exited   bool // attempt 1 ended its goroutine

	mu     sync.Mutex
	gone   bool          // hedge has returned
	going  chan struct{} // closed then, if attempt 0 waits for it
	sent   bool          // attempt 1 was made
	over   bool          // it is known what the call returns
	winner int
	errs   []error // of those that ended before it was over, in their order
}

// runner makes attempt n.
type runner interface {
	attempt(ctx context.Context, n int) error
}

func (r *race) start(ctx context.Context) {
	r.call = call.From(ctx)
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.lead, r.records[0] = call.Observe(r.ctx)
}

// forget makes a race that run has found to be of one attempt ready for another start.
func (r *race) forget() {
	r.call, r.ctx, r.cancel, r.lead, r.records[0] = nil, nil, nil, nil, nil
}

// run returns the number of the attempt whose response is the call's, or the error,
// and whether attempt 0 was alone: then nobody else has the race or will.
func (r *race) run(delay time.Duration) (winner int, alone bool, err error) {
	defer r.cancel()
	timer := time.AfterFunc(delay, r.hedging)
	err = r.first(timer)
	if timer.Stop() {
		return 0, true, err
	}
	r.end(r.lead, 0, err)
	r.wait()
	switch {
	case r.panicked != nil:
		panic(r.panicked)
	case r.exited:
		runtime.Goexit()
	}
	if r.sent && r.call.Observed() {
		if id := r.records[r.winner].Instance(); id != "" {
			addr := r.records[r.winner].Address()
			r.call.Answered(&id, &addr)
		}
	}
	return r.winner, false, r.err()
}

// wait waits for hedge, which runs or will at once.
func (r *race) wait() {
	r.mu.Lock()
	gone := r.gone
	if !gone {
		r.going = make(chan struct{})
	}
	r.mu.Unlock()
	if !gone {
		<-r.going
	}
}

// leave ends a wait.
func (r *race) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	if r.going != nil {
		close(r.going)
	}
}

// first makes attempt 0. Should it panic, attempt 1 is not left alone.
func (r *race) first(timer *time.Timer) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		r.cancel()
		if !timer.Stop() {
			r.wait()
		}
	}()
	start := r.now()
	err := r.runner.attempt(r.lead, 0)
	returned = true
	r.observe(r.lead, start, err)
	return err
}

// hedge makes attempt 1 if there is still need of it.
func (r *race) hedge() {
	defer r.leave()
	ctx, ok := r.join()
	if !ok {
		return
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			r.panicked = &HedgePanic{v, debug.Stack()}
		} else {
			r.exited = true
		}
		r.cancel()
	}()
	if r.onHedge != nil {
		r.onHedge(ctx)
	}
	err := r.runner.attempt(ctx, 1)
	returned = true
	r.end(ctx, 1, err)
}

// join returns the context of attempt 1, if it may be made.
func (r *race) join() (context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.ctx.Err() != nil {
		return nil, false
	}
	r.sent = r.budget.withdraw()
	if r.counts.hedged(r.sent); !r.sent {
		return nil, false
	}
	avoid := r.call.AppendAvoided(nil)
	if id := r.records[0].Instance(); id != "" {
		avoid = append(avoid, id)
	}
	ctx, record := call.Observe(call.With(r.ctx, call.Attempt(r.call.Attempt()+1, avoid)))
	r.records[1] = record
	return ctx, true
}

// end says how an attempt ended. The first answer ends the race; what the other says
// after that comes of its being canceled. A failure ends it if no other attempt was
// made, so that none is.
func (r *race) end(ctx context.Context, n int, err error) {
	if n == 1 && endpoint.IsLocal(err) {
		r.budget.refund()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.winner = n
	if err != nil {
		r.errs = append(r.errs, err)
	} else {
		r.errs = nil
	}
	if r.over = wins(ctx, err) || !r.sent; r.over {
		r.counts.won(n)
		r.cancel()
	}
}

func (r *race) err() error {
	switch len(r.errs) {
	case 0:
		return nil
	case 1:
		return r.errs[0]
	}
	return &RetryError{Attempts: r.errs}
}
