package transport

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// SignalContext returns a copy of parent that ends with the first SIGINT or
// SIGTERM. That signal also restores the default action, so a second one ends the
// process at once: whoever presses Ctrl-C twice does not want to wait. stop
// restores the default action too, and releases what the context holds.
func SignalContext(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
