package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// width is that of the time line, in characters.
const width = 32

// Draw draws the spans of one trace as a tree, each with its part of the time.
func Draw(out io.Writer, spans []sdk.ReadOnlySpan) {
	if len(spans) == 0 {
		return
	}
	root := spans[0]
	whole := max(1, root.EndTime().Sub(root.StartTime()))
	draw(out, spans, trace.SpanID{}, "", func(s sdk.ReadOnlySpan) string {
		from := clamp(s.StartTime().Sub(root.StartTime()) * width / whole)
		to := clamp(s.EndTime().Sub(root.StartTime()) * width / whole)
		from = min(from, width-1)
		to = max(to, from+1)
		return strings.Repeat(" ", from) + strings.Repeat("━", to-from) + strings.Repeat(" ", width-to)
	})
}

// clamp bounds a place on the line: the loser of a hedge ends later than the call.
func clamp(at time.Duration) int { return int(min(max(at, 0), width)) }

// draw draws those whose parent has that ID. In spans they are in order of beginning.
func draw(out io.Writer, spans []sdk.ReadOnlySpan, parent trace.SpanID, indent string, bar func(sdk.ReadOnlySpan) string) {
	for _, s := range spans {
		if s.Parent().SpanID() != parent {
			continue
		}
		took := s.EndTime().Sub(s.StartTime())
		fmt.Fprintf(out, "    %-48s %8.1f ms ▕%s▏ %s\n", indent+title(s), took.Seconds()*1000, bar(s), outcome(s))
		draw(out, spans, s.SpanContext().SpanID(), indent+"  ", bar)
	}
}

// title says who does what. A client's span is a call, or an attempt that knows the
// instance it was sent to.
func title(s sdk.ReadOnlySpan) string {
	if s.SpanKind() == trace.SpanKindServer {
		name, _ := s.Resource().Set().Value(semconv.ServiceInstanceIDKey)
		return name.AsString() + " serves " + s.Name()
	}
	return "call " + s.Name()
}

func outcome(s sdk.ReadOnlySpan) string {
	var words []string
	for _, a := range s.Attributes() {
		switch key := string(a.Key); key {
		case "rpc.response.status_code":
			words = append(words, a.Value.AsString())
		case "dowel.attempt", "dowel.attempts":
			words = append(words, strings.TrimPrefix(key, "dowel.")+" "+a.Value.String())
		case "dowel.instance":
			words = append(words, "at "+a.Value.AsString())
		}
	}
	if s.Status().Code == codes.Error {
		words = append(words, "✗")
	}
	return strings.Join(words, ", ")
}
