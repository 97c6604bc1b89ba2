package httpkit

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// readiness is the checks of one Ready.
type readiness struct {
	timeout time.Duration
	checks  []*check
	logger  *slog.Logger // nil is slog.Default at the time
}

func (r *readiness) run(ctx context.Context) (map[string]string, bool) {
	if len(r.checks) == 0 {
		return nil, true
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	runs := make([]*checkRun, len(r.checks))
	for i, c := range r.checks { // all begin before one is waited for
		runs[i] = c.begin(ctx, r)
	}
	results, ok := make(map[string]string, len(r.checks)), true
	for i, c := range r.checks {
		results[c.name] = "ok"
		if err := runs[i].wait(ctx); err != nil {
			results[c.name], ok = "failed", false
		}
	}
	return results, ok
}

// check is one check with its runs, of which there is one at a time.
type check struct {
	name string
	f    func(context.Context) error
	mu   sync.Mutex
	last *checkRun // running if last.done is open

	report report
}

type checkRun struct {
	done chan struct{}
	err  error // once done
}

// grace is how long a check whose time is over has to say itself what it was
// waiting for, before the log says that it hangs.
const grace = 100 * time.Millisecond

// begin returns the run that is under way, or a new one. It belongs to no request:
// whoever asked first may hang up, and others wait for it too.
func (c *check) begin(ctx context.Context, r *readiness) *checkRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		select {
		case <-c.last.done:
		default:
			return c.last
		}
	}
	run := &checkRun{done: make(chan struct{})}
	c.last = run
	go func() {
		defer close(run.done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
		defer cancel()
		told := make(chan struct{})
		late := time.AfterFunc(min(r.timeout, math.MaxInt64-grace)+grace, func() {
			defer close(told)
			c.report.tell(ctx, r.logger, c.name, context.DeadlineExceeded)
		})
		run.err = c.call(ctx)
		if !late.Stop() {
			<-told // in this order
		}
		c.report.tell(ctx, r.logger, c.name, run.err)
	}()
	return run
}

func (c *check) call(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &endpoint.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return c.f(ctx)
}

func (run *checkRun) wait(ctx context.Context) error {
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
