package endpoint

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Timeout bounds each call: the context that next gets is done after d at the
// latest, earlier if the caller's deadline is. The call stays on the caller's
// goroutine and lasts until next returns, so next must heed its context. Timeout
// panics if next is nil or d is not positive.
func Timeout[Req, Resp any](next Endpoint[Req, Resp], d time.Duration) Endpoint[Req, Resp] {
	check("Timeout", when(next == nil, "next is nil"),
		when(d <= 0, fmt.Sprintf("the timeout must be positive, not %v", d)))
	return func(ctx context.Context, req Req) (Resp, error) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		return next(ctx, req)
	}
}

// PanicError is the cause of the error that [Recover] makes of a panic. A logger
// finds it with errors.As; the caller never sees it. It must not be modified.
type PanicError struct {
	Value any    // what the panic was called with
	Stack []byte // the stack of the goroutine that panicked
}

// Error returns the panic's value. The stack is left to a logger.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Recover turns a panic in next into an error of code Internal whose cause is a
// [*PanicError]. A goroutine that next starts is out of its reach. Recover itself
// panics if next is nil.
func Recover[Req, Resp any](next Endpoint[Req, Resp]) Endpoint[Req, Resp] {
	check("Recover", when(next == nil, "next is nil"))
	return func(ctx context.Context, req Req) (resp Resp, err error) {
		defer func() {
			if v := recover(); v != nil {
				err = &Error{Code: Internal, Err: &PanicError{Value: v, Stack: debug.Stack()}}
			}
		}()
		return next(ctx, req)
	}
}

// Validate calls the request's own Validate method before next. An error of it
// that has no code goes to the caller as InvalidArgument with its text, so that
// text must be fit for the caller to read. It panics if next is nil.
func Validate[Req interface{ Validate() error }, Resp any](next Endpoint[Req, Resp]) Endpoint[Req, Resp] {
	check("Validate", when(next == nil, "next is nil"))
	return func(ctx context.Context, req Req) (Resp, error) {
		if err := req.Validate(); err != nil {
			var none Resp
			if _, coded := errors.AsType[*Error](err); coded {
				return none, err
			}
			return none, &Error{Code: InvalidArgument, Message: err.Error(), Err: err}
		}
		return next(ctx, req)
	}
}

// Fallback answers with fallback when next fails, and gives it the error. A call
// whose context is done is not answered: nobody waits for it. Fallback panics if
// next or fallback is nil.
func Fallback[Req, Resp any](
	next Endpoint[Req, Resp],
	fallback func(ctx context.Context, req Req, err error) (Resp, error),
) Endpoint[Req, Resp] {
	check("Fallback", when(next == nil, "next is nil"), when(fallback == nil, "fallback is nil"))
	return func(ctx context.Context, req Req) (Resp, error) {
		resp, err := next(ctx, req)
		if err == nil || ctx.Err() != nil {
			return resp, err
		}
		return fallback(ctx, req, err)
	}
}
