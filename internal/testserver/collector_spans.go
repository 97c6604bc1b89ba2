package testserver

import (
	"encoding/json"
	"time"
)

// A Span is one that a [Collector] was sent.
type Span struct {
	Service                   string // service.name of its resource
	Scope                     string // who made it
	TraceID, SpanID, ParentID string // in hexadecimal; a root has no parent
	Name                      string
	Kind                      string // "internal", "server", "client", "producer" or "consumer"
	Start, End                time.Time
	Attributes                map[string]any // of string, int64, float64 and bool
	Status                    string         // "unset", "ok" or "error"
	StatusText                string
	Events                    []SpanEvent
}

// A SpanEvent is what happened in a span.
type SpanEvent struct {
	Name       string
	Attributes map[string]any
}

// Spans returns the spans that came, once they are as many or more, in the order of
// their coming. It ends the test if they do not come within a minute.
func (c *Collector) Spans(n int) []Span {
	c.t.Helper()
	var spans []Span
	c.poll("spans", c.traces(), func(lines [][]byte) (bool, error) {
		spans = spans[:0]
		for _, line := range lines {
			var batch tracesData
			if err := json.Unmarshal(line, &batch); err != nil {
				return false, err
			}
			spans = batch.appendTo(spans)
		}
		return len(spans) >= n, nil
	})
	return spans
}

// tracesData is OTLP's message of that name, in its mapping to JSON.
type tracesData struct {
	ResourceSpans []struct {
		Resource   otlpResource
		ScopeSpans []struct {
			Scope struct{ Name string }
			Spans []struct {
				TraceID, SpanID, ParentSpanID      string
				Name                               string
				Kind                               int
				StartTimeUnixNano, EndTimeUnixNano int64 `json:",string"`
				Attributes                         otlpAttributes
				Events                             []struct {
					Name       string
					Attributes otlpAttributes
				}
				Status struct {
					Code    int
					Message string
				}
			}
		}
	}
}

var (
	spanKinds    = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}
	spanStatuses = [...]string{"unset", "ok", "error"}
)

func (d *tracesData) appendTo(spans []Span) []Span {
	for _, ofResource := range d.ResourceSpans {
		for _, ofScope := range ofResource.ScopeSpans {
			for _, s := range ofScope.Spans {
				span := Span{
					Service: ofResource.Resource.service(), Scope: ofScope.Scope.Name,
					TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentSpanID,
					Name: s.Name, Kind: spanKinds[s.Kind],
					Start: time.Unix(0, s.StartTimeUnixNano), End: time.Unix(0, s.EndTimeUnixNano),
					Attributes: s.Attributes, Status: spanStatuses[s.Status.Code], StatusText: s.Status.Message,
				}
				for _, e := range s.Events {
					span.Events = append(span.Events, SpanEvent{e.Name, e.Attributes})
				}
				spans = append(spans, span)
			}
		}
	}
	return spans
}
