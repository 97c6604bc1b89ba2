package httpkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
)

// EncodeError answers an error with its status and a [Problem]: what the caller
// may know of it, by [endpoint.Public], and nothing internal. Handlers use it if
// [ErrorEncoder] does not say otherwise.
func EncodeError(_ context.Context, w http.ResponseWriter, err error) {
	_ = NewProblem(err).write(w) // a connection that broke
}

// fail answers an error, unless an answer has begun. It reports whether the
// connection has to be cut, so that half an answer is not taken for a whole one.
//
// It returns the error, or the panic of an error that cannot be asked what it is,
// such as a nil pointer: that is a panic of the endpoint like any other.
func (h *handler) fail(ctx context.Context, x *exchange, r *http.Request, err error) (_ error, abort bool) {
	if err == http.ErrAbortHandler {
		return err, true
	}
	if fault := h.tell(ctx, x, r, err); fault != nil {
		err = fault
		_ = h.tell(ctx, x, r, err)
	}
	if x.hijacked {
		return err, false
	}
	if x.status != 0 {
		return err, true
	}
	if fault := h.answer(ctx, x, h.encodeError, err); fault != nil {
		_ = h.tell(ctx, x, r, fault)
		abort = x.status != 0 || fault == http.ErrAbortHandler
	}
	if x.status == 0 && !abort {
		if fault := h.answer(ctx, x, EncodeError, err); fault != nil && x.status == 0 {
			err = fault
			_ = h.answer(ctx, x, EncodeError, err)
		}
	}
	return err, abort
}

func (h *handler) answer(ctx context.Context, x *exchange,
	encode func(context.Context, http.ResponseWriter, error), err error,
) (fault error) {
	defer x.recover(&fault)
	encode(ctx, &x.response, err)
	return nil
}

// tell is log for an error, or with a logger, that may panic.
func (h *handler) tell(ctx context.Context, x *exchange, r *http.Request, err error) (fault error) {
	defer x.recover(&fault)
	h.log(ctx, x, r, err)
	return nil
}

// log writes what no middleware of the endpoint can see.
func (h *handler) log(ctx context.Context, x *exchange, r *http.Request, err error) {
	p, panicked := errors.AsType[*endpoint.PanicError](err)
	panicked = panicked && x.panicked
	if !panicked && !x.serverFault(err) {
		return
	}
	logger := h.logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("pattern", r.Pattern),
		slog.String("request_id", call.From(ctx).RequestID()),
		slog.String("stage", x.stage.String()), slog.String("error", err.Error()),
	}
	message := "httpkit: the handler failed"
	if panicked {
		message = "httpkit: panic in the handler"
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	logger.LogAttrs(ctx, slog.LevelError, message, attrs...)
}

// serverFault reports whether decoder or encoder failed, and neither the caller
// nor the connection is to blame.
func (x *exchange) serverFault(err error) bool {
	if x.stage == stageCall || x.failed != nil {
		return false
	}
	switch endpoint.CodeOf(err) {
	case endpoint.Unknown, endpoint.Internal, endpoint.DataLoss:
		return true
	}
	return false
}
