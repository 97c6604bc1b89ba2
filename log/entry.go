package log

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// errExited stands for the error of a call that ended by runtime.Goexit.
var errExited = &endpoint.Error{
	Code: endpoint.Internal, Err: errors.New("the call ended its goroutine without returning"),
}

// entry is one call that runs.
type entry struct {
	*calls
	ctx      context.Context
	seen     *call.Record
	start    time.Time
	returned bool
}

// begin returns the entry of a call and the context for what it wraps.
func (c *calls) begin(ctx context.Context) (context.Context, entry) {
	inner, seen := call.Observe(ctx)
	return inner, entry{calls: c, ctx: ctx, seen: seen, start: time.Now()}
}

// end logs the call. It goes on with the panic that ended it, if one did.
func (e *entry) end(err error, panicked any) {
	switch {
	case panicked != nil:
		// The frames that panicked are still on the stack, below this one.
		err = &endpoint.Error{
			Code: endpoint.Internal, Err: &endpoint.PanicError{Value: panicked, Stack: debug.Stack()},
		}
		defer panic(panicked)
	case !e.returned:
		err = errExited
	}
	level := e.level(e.ctx, err)
	if !e.handler.Enabled(e.ctx, level) {
		return
	}
	now := time.Now()
	// Without a source: that would be this line for every call.
	r := slog.NewRecord(now, level, "call", 0)
	e.describe(&r, now.Sub(e.start), err)
	_ = e.handler.Handle(e.ctx, r) // as a slog.Logger does
}

func (e *entry) describe(r *slog.Record, took time.Duration, err error) {
	r.AddAttrs(
		slog.String(CodeKey, endpoint.CodeOf(err).String()),
		slog.Float64(DurationKey, float64(took.Microseconds())/1000),
	)
	addText(r, PeerKey, call.From(e.ctx).Peer())
	addText(r, InstanceKey, e.instance(err))
	if n := e.seen.Attempts(); n > 1 {
		r.AddAttrs(slog.Int(AttemptsKey, n))
	}
	if err == nil {
		return
	}
	r.AddAttrs(slog.Any(ErrorKey, loggable(err)))
	if p, ok := errors.AsType[*endpoint.PanicError](err); ok {
		addText(r, StackKey, string(p.Stack))
	}
}

// instance returns the ID of the instance asked last, by what was observed, or by
// the error if that came from a balancer that was not.
func (e *entry) instance(err error) string {
	if id := e.seen.Instance(); id != "" {
		return id
	}
	if coded, ok := errors.AsType[*endpoint.Error](err); ok {
		return coded.Instance
	}
	return ""
}

func addText(r *slog.Record, key, text string) {
	if text != "" {
		r.AddAttrs(slog.String(key, text))
	}
}

// loggable hides all methods of an error but Error and Unwrap. A handler would
// prefer the form that the error has as JSON or by its Format method, which may
// lack the cause or hold more than a log should. An error that says itself how to
// be logged is left to it.
func loggable(err error) any {
	if v, ok := err.(slog.LogValuer); ok {
		return v
	}
	return text{err}
}

type text struct{ err error }

func (t text) Error() string { return t.err.Error() }
func (t text) Unwrap() error { return t.err }
