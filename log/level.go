package log

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"github.com/dowelkit/dowel/endpoint"
)

// LevelOf returns the level at which [Calls] logs an outcome, unless [Levels] says
// otherwise: Error for a panic and for what [endpoint.Fault] calls a fault
// (Unknown, DeadlineExceeded, Internal, Unavailable, DataLoss), Info for success,
// and Warn for the rest: mistakes and cancellations of the caller, and refusals by
// a limiter or a breaker. What fails after the caller has given up is no fault.
func LevelOf(ctx context.Context, err error) slog.Level {
	if err == nil {
		return slog.LevelInfo
	}
	if _, panicked := errors.AsType[*endpoint.PanicError](err); panicked || endpoint.Fault(ctx, err) {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Option changes how [Calls] logs.
type Option func(*calls) error

// Levels sets the level of each call's record by its context and error. The
// default is [LevelOf]. A panic comes as an error that wraps an
// [*endpoint.PanicError]. A call whose level the logger is not enabled for is not
// logged, so level may also choose which calls are.
func Levels(level func(ctx context.Context, err error) slog.Level) Option {
	return func(c *calls) error {
		if level == nil {
			return errors.New("the function for levels is nil")
		}
		c.level, c.highest = level, math.MaxInt
		return nil
	}
}
