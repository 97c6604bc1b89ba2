package main

import (
	"context"
	"slices"
	"sync"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// maxSpans bounds what is kept when it goes on serving.
const maxSpans = 20_000

// Collector keeps the spans of all instances in this process, where a real one would
// get them over the network. It is safe for concurrent use.
type Collector struct {
	mu    sync.Mutex
	spans []sdk.ReadOnlySpan
}

var _ sdk.SpanExporter = (*Collector)(nil)

// ExportSpans is what OpenTelemetry's SDK calls.
func (c *Collector) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) < maxSpans {
		c.spans = append(c.spans, spans...)
	}
	return nil
}

func (c *Collector) Shutdown(context.Context) error { return nil }

// Trace returns the spans of a trace in the order of their beginning.
func (c *Collector) Trace(id trace.TraceID) (spans []sdk.ReadOnlySpan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.SpanContext().TraceID() == id {
			spans = append(spans, s)
		}
	}
	slices.SortStableFunc(spans, func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	return spans
}

// Richest returns the ID of the trace with the most spans, of those that are whole:
// below each span of a caller is one of whom it called.
func (c *Collector) Richest() (richest trace.TraceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered := map[trace.SpanID]bool{}
	for _, s := range c.spans {
		answered[s.Parent().SpanID()] = true
	}
	partial, counts := map[trace.TraceID]bool{}, map[trace.TraceID]int{}
	for _, s := range c.spans {
		id := s.SpanContext().TraceID()
		counts[id]++
		if s.SpanKind() == trace.SpanKindClient && !answered[s.SpanContext().SpanID()] {
			partial[id] = true
		}
	}
	for _, s := range c.spans {
		if id := s.SpanContext().TraceID(); !partial[id] && counts[id] > counts[richest] {
			richest = id
		}
	}
	return richest
}
