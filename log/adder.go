package log

import (
	"context"
	"log/slog"
	"sync"

	"github.com/dowelkit/dowel/call"
)

// Adder appends to attrs what it knows of a context and returns the result, as
// append does; it leaves what attrs holds already alone and does not keep the
// slice. A [Handler] calls it for each record that is written, from many
// goroutines at once, so it must be fast and safe for concurrent use.
type Adder func(ctx context.Context, attrs []slog.Attr) []slog.Attr

// newSpare returns a pool of buffers for adders. What is handed to a function
// that the compiler does not know would cost an allocation per record.
func newSpare() *sync.Pool {
	return &sync.Pool{New: func() any {
		attrs := make([]slog.Attr, 0, 8)
		return &attrs
	}}
}

// gather appends what is to be added to a record made with ctx.
func (h *Handler) gather(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	c := call.From(ctx)
	attrs = appendText(attrs, RequestIDKey, c.RequestID())
	attrs = appendText(attrs, CorrelationIDKey, c.CorrelationID())
	if n := c.Retries(); n > 0 {
		attrs = append(attrs, slog.Int(RetriesKey, n))
	}
	for _, add := range h.adders {
		attrs = add(ctx, attrs)
	}
	return attrs
}

func appendText(attrs []slog.Attr, key, text string) []slog.Attr {
	if text == "" {
		return attrs
	}
	return append(attrs, slog.String(key, text))
}
