package httpkit

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/dowelkit/dowel/endpoint"
)

// Outcome is what became of one exchange.
type Outcome struct {
	// Status is the status that was sent, 0 if none was: the handler aborted
	// before, or the connection was hijacked.
	Status int
	// Written is the size of the body that was sent, in bytes.
	Written int64
	// Duration runs from the call of the handler to the end of the answer.
	Duration time.Duration
	// Err is the error of decoder, endpoint or encoder, with its cause, or that
	// of a connection that broke. After a panic its cause is an
	// [*endpoint.PanicError] with the stack; it is [http.ErrAbortHandler] itself
	// if that was the panic.
	Err error
}

// exchange is one request and its answer. The type is not generic.
type exchange struct {
	response
	start     time.Time
	requestID [1]string // as a header's values
	stage     stage
	panicked  bool
}

// stage is how far an exchange got.
type stage int

const (
	stageDecode stage = iota
	stageCall
	stageEncode
)

func (s stage) String() string { return [...]string{"decode", "call", "encode"}[s] }

// recover, deferred, makes an error of a panic.
func (x *exchange) recover(err *error) {
	v := recover()
	switch {
	case v == nil:
	case v == http.ErrAbortHandler:
		*err = http.ErrAbortHandler
	default:
		x.panicked = true
		*err = &endpoint.Error{Code: endpoint.Internal, Err: &endpoint.PanicError{Value: v, Stack: debug.Stack()}}
	}
}

// outcome puts the broken connection in place of what the encoder made of it.
func (x *exchange) outcome(err error) Outcome {
	if x.failed != nil && x.stage == stageEncode && !x.panicked {
		err = &endpoint.Error{Code: endpoint.Canceled, Err: x.failed}
	}
	return Outcome{Status: x.status, Written: x.written, Duration: time.Since(x.start), Err: err}
}

func (h *handler) prepare(ctx context.Context, x *exchange, r *http.Request) (out context.Context, err error) {
	defer func() {
		if err != nil { // respond will not run
			removeFiles(r)
		}
	}()
	defer x.recover(&err)
	out = ctx
	for _, hook := range h.before {
		next := hook(out, r)
		if next == nil {
			panic("httpkit: a Before hook returned no context")
		}
		out = next
	}
	return out, nil
}

func (h *handler) respond(ctx context.Context, x *exchange, r *http.Request) (err error) {
	defer x.recover(&err)
	if r.ContentLength > h.maxBody {
		return tooLarge(h.maxBody, nil)
	}
	if len(h.before) > 0 {
		r = r.WithContext(ctx)
	}
	defer removeFiles(r)
	if err := h.run(ctx, x, r); err != nil {
		return err
	}
	x.begin()
	return nil
}

// removeFiles does for our copy of the request what net/http does for its own.
func removeFiles(r *http.Request) {
	if r.MultipartForm != nil {
		_ = r.MultipartForm.RemoveAll()
	}
}

// finish runs the last hooks. One that panics does not keep the others from it.
func (h *handler) finish(ctx context.Context, x *exchange, r *http.Request, err error) {
	if len(h.finally) == 0 {
		return
	}
	o := x.outcome(err)
	for _, hook := range h.finally {
		h.last(ctx, x, r, o, hook)
	}
}

func (h *handler) last(ctx context.Context, x *exchange, r *http.Request, o Outcome,
	hook func(context.Context, *http.Request, Outcome),
) {
	var err error
	defer func() {
		if err != nil {
			_ = h.tell(ctx, x, r, err)
		}
	}()
	defer x.recover(&err)
	hook(ctx, r, o)
}
