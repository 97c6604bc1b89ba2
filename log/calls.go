package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/dowelkit/dowel/endpoint"
)

// Calls logs one record per call, when it ends: method, code, duration, the IDs
// and the peer of the call, which instance was asked and in how many attempts if
// a balancer was at work, and the error with its cause. The level follows from
// the outcome; see [LevelOf] and [Levels]. Requests and responses are not logged.
//
// A panic is logged with its stack and goes on, with the same value. Of an error
// made by [endpoint.Recover] the stack of the panic is logged.
//
// The record carries the IDs of the call whether or not the logger's handler is a
// [Handler]. It has no source line. A logger that is enabled for no level that the
// record could have makes Calls a plain call of next. Calls panics if next or
// logger is nil, method is empty, or an option is nil or out of range.
func Calls[Req, Resp any](
	next endpoint.Endpoint[Req, Resp], logger *slog.Logger, method string, opts ...Option,
) endpoint.Endpoint[Req, Resp] {
	c := newCalls(next != nil, logger, method, opts)
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		if !c.handler.Enabled(ctx, c.highest) {
			return next(ctx, req)
		}
		inner, e := c.begin(ctx)
		defer func() { e.end(err, recover()) }()
		resp, err = next(inner, req)
		e.returned = true
		return resp, err
	}
}

// calls is what Calls knows at construction.
type calls struct {
	handler slog.Handler
	level   func(ctx context.Context, err error) slog.Level
	highest slog.Level // that level may return
}

func newCalls(hasNext bool, logger *slog.Logger, method string, opts []Option) *calls {
	c := &calls{level: LevelOf, highest: slog.LevelError}
	var faults []error
	if !hasNext {
		faults = append(faults, errors.New("next is nil"))
	}
	if logger == nil {
		faults = append(faults, errors.New("the logger is nil"))
	}
	if method == "" {
		faults = append(faults, errors.New("the method is empty"))
	}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		faults = append(faults, opt(c))
	}
	check("Calls", faults)
	c.handler = NewHandler(logger.Handler()).WithAttrs([]slog.Attr{slog.String(MethodKey, method)})
	return c
}
