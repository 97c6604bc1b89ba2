package tracing

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/endpoint"
)

// codeNames are the codes as gRPC spells them, which the conventions ask for.
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// errPanicked stands for what next did not return. What it panicked with is not
// looked at: to recover it would cost those who see it further up its stack.
var errPanicked = &endpoint.Error{Code: endpoint.Internal, Err: new(endpoint.PanicError)}

// end says how it went and ends the span.
func (s *span) end(err error) {
	defer s.End()
	if !s.returned {
		err = errPanicked
	}
	code := endpoint.CodeOf(err)
	var room [8]attribute.KeyValue
	attrs := append(room[:0], semconv.RPCResponseStatusCode(codeNames[code]))
	if s.seen != nil {
		attrs = s.appendSeen(attrs, err)
	}
	gaveUp := code == endpoint.Canceled && s.ctx.Err() == context.Canceled
	if err != nil && !gaveUp {
		if s.isError(code) {
			attrs = append(attrs, semconv.ErrorTypeKey.String(codeNames[code]))
			s.SetStatus(codes.Error, s.textOf(err))
		}
		s.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(s.detail(err)...))
	}
	s.SetAttributes(attrs...)
}

// isError is the conventions' rule for gRPC: the client is told of every error, the
// server only of its own.
func (s *span) isError(code endpoint.Code) bool {
	if s.kind == trace.SpanKindClient {
		return true
	}
	switch code {
	case endpoint.Unknown, endpoint.DeadlineExceeded, endpoint.Unimplemented, endpoint.Internal,
		endpoint.Unavailable, endpoint.DataLoss:
		return true
	}
	return false
}

// appendSeen says who was asked and how often. A balancer that was not observed
// tells by its error.
func (s *span) appendSeen(attrs []attribute.KeyValue, err error) []attribute.KeyValue {
	id, addr := s.seen.Instance(), s.seen.Address()
	if e, ok := errors.AsType[*endpoint.Error](err); ok && id == "" {
		id = e.Instance
	}
	if addr == "" {
		addr = id
	}
	if id != "" {
		attrs = append(attrs, InstanceKey.String(id))
		attrs = appendAddress(attrs, addr, serverAddress)
	}
	if n := s.seen.Attempts(); n > 1 {
		attrs = append(attrs, AttemptsKey.Int(n))
	}
	return attrs
}

// detail holds nothing that the error says, but what the program is made of.
func (s *span) detail(err error) []attribute.KeyValue {
	attrs := []attribute.KeyValue{semconv.ExceptionType(fmt.Sprintf("%T", root(err)))}
	if e, ok := errors.AsType[*endpoint.Error](err); ok && e.Reason != "" {
		attrs = append(attrs, ReasonKey.String(e.Reason))
	}
	if text := s.textOf(err); text != "" {
		attrs = append(attrs, semconv.ExceptionMessage(text))
	}
	return attrs
}

func (s *span) textOf(err error) string {
	if s.text == nil {
		return ""
	}
	return s.text(err)
}

// root returns the innermost error that err wraps, up to where it wraps several.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
