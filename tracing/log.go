package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// The names of what [LogAttrs] adds, as OpenTelemetry has them for logs in formats
// other than its own.
const (
	TraceIDKey = "trace_id"
	SpanIDKey  = "span_id"
)

// LogAttrs appends the IDs of the span that ctx belongs to, if there is one, sampled
// or not. It is an Adder for package log, whose handlers then put the IDs into every
// record made with the context of a call:
//
//	logger := slog.New(log.NewHandler(slog.NewJSONHandler(os.Stdout, nil), tracing.LogAttrs))
func LogAttrs(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return attrs
	}
	return append(attrs, slog.String(TraceIDKey, sc.TraceID().String()), slog.String(SpanIDKey, sc.SpanID().String()))
}
