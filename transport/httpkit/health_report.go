package httpkit

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/dowelkit/dowel/endpoint"
)

// ReadyLogger sets where Ready writes why a check fails, since the answer does not
// tell: one record when it begins to fail and one when it is well again. The
// default is [slog.Default].
func ReadyLogger(logger *slog.Logger) ReadyOption {
	return func(r *readiness) error {
		r.logger = logger
		return unless(logger != nil, "ReadyLogger: the logger is nil")
	}
}

// report tells the log what has become of a check.
type report struct {
	mu     sync.Mutex // held while it writes, so that records keep their order
	failed bool       // the last result that was told
}

// tell writes a record if the result is another than before.
func (p *report) tell(ctx context.Context, logger *slog.Logger, name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == (err != nil) {
		return
	}
	p.failed = err != nil
	if logger == nil {
		logger = slog.Default()
	}
	if err == nil {
		logger.LogAttrs(ctx, slog.LevelInfo, "httpkit: a readiness check is well again", slog.String("check", name))
		return
	}
	// Not its text: an Error method that panics would end the process here.
	attrs := []slog.Attr{slog.String("check", name), slog.Any("error", err)}
	if p, ok := errors.AsType[*endpoint.PanicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	logger.LogAttrs(ctx, slog.LevelWarn, "httpkit: a readiness check fails", attrs...)
}
