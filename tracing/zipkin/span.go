package zipkin

import (
	"encoding/json"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// span is one of Zipkin's. See https://zipkin.io/zipkin-api/.
type span struct {
	TraceID    string            `json:"traceId"`
	ParentID   string            `json:"parentId,omitempty"`
	ID         string            `json:"id"`
	Kind       string            `json:"kind,omitempty"`
	Name       string            `json:"name"`
	Timestamp  int64             `json:"timestamp"` // in microseconds, as is the duration
	Duration   int64             `json:"duration"`
	Local      *host             `json:"localEndpoint,omitempty"`
	Remote     *host             `json:"remoteEndpoint,omitempty"`
	Annotation []annotation      `json:"annotations,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

type annotation struct {
	Timestamp int64  `json:"timestamp"`
	Value     string `json:"value"`
}

var kinds = map[trace.SpanKind]string{
	trace.SpanKindServer: "SERVER", trace.SpanKindClient: "CLIENT",
	trace.SpanKindProducer: "PRODUCER", trace.SpanKindConsumer: "CONSUMER",
}

func spanOf(s sdk.ReadOnlySpan) span {
	sc := s.SpanContext()
	z := span{
		TraceID: sc.TraceID().String(), ID: sc.SpanID().String(),
		Kind: kinds[s.SpanKind()], Name: s.Name(),
		Timestamp: s.StartTime().UnixMicro(),
		Duration:  max(1, int64(s.EndTime().Sub(s.StartTime())/time.Microsecond)), // zero would be unknown
		Local:     local(s), Remote: remote(s), Tags: tags(s),
	}
	if id := s.Parent().SpanID(); id.IsValid() {
		z.ParentID = id.String()
	}
	for _, e := range s.Events() {
		z.Annotation = append(z.Annotation, annotation{e.Time.UnixMicro(), textOf(e)})
	}
	return z
}

// textOf is the name of an event or, if it has attributes, an object of that name.
func textOf(e sdk.Event) string {
	if len(e.Attributes) == 0 {
		return e.Name
	}
	attrs := map[string]any{}
	for _, a := range e.Attributes {
		attrs[string(a.Key)] = plain(a.Value)
	}
	text, err := json.Marshal(map[string]any{e.Name: attrs})
	if err != nil { // a number that JSON has not
		return e.Name
	}
	return string(text)
}

func plain(v attribute.Value) any {
	switch v.Type() {
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		return v.AsInterface()
	}
	return v.String()
}

func tags(s sdk.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes() {
		all[string(a.Key)] = a.Value.String()
	}
	// To Zipkin a span has failed if there is a tag of this name, whatever it says.
	delete(all, "error")
	switch status := s.Status(); status.Code {
	case codes.Ok:
		all["otel.status_code"] = "OK"
	case codes.Error:
		all["otel.status_code"], all["error"] = "ERROR", status.Description
	}
	if scope := s.InstrumentationScope(); scope.Name != "" {
		all["otel.scope.name"] = scope.Name
		if scope.Version != "" {
			all["otel.scope.version"] = scope.Version
		}
	}
	for name, n := range map[string]int{
		"otel.dropped_attributes_count": s.DroppedAttributes(),
		"otel.dropped_events_count":     s.DroppedEvents(), "otel.dropped_links_count": s.DroppedLinks(),
	} {
		if n > 0 {
			all[name] = strconv.Itoa(n)
		}
	}
	return all
}

// find returns the text of the attribute, or "".
func find(attrs []attribute.KeyValue, key attribute.Key) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}
