package testserver_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
)

// The same span in both formats.
const (
	otlpSpan = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
		"scopeSpans":[{"scope":{"name":"by hand"},"spans":[{
			"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"00f067aa0ba902b7",
			"name":"Buy","kind":2,"startTimeUnixNano":"1000000000","endTimeUnixNano":"3000000000",
			"attributes":[{"key":"n","value":{"intValue":"3"}},{"key":"new","value":{"boolValue":true}}],
			"events":[{"timeUnixNano":"2000000000","name":"paid","attributes":[{"key":"sum","value":{"doubleValue":1.5}}]}],
			"status":{"code":2,"message":"sold out"}}]}]}]}`
	zipkinSpan = `[{"traceId":"0af7651916cd43dd8448eb211c80319c","id":"b7ad6b7169203331","parentId":"00f067aa0ba902b7",
		"name":"Buy","kind":"SERVER","timestamp":1000000,"duration":2000000,"localEndpoint":{"serviceName":"shop"},
		"tags":{"n":"3","error":"sold out"}}]`
	otlpMetrics = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
		"scopeMetrics":[{"scope":{"name":"by hand"},"metrics":[
			{"name":"stock","unit":"{item}","gauge":{"dataPoints":[{"asInt":"7","timeUnixNano":"1"}]}},
			{"name":"sold","unit":"kg","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
				{"asDouble":2.5,"timeUnixNano":"1","attributes":[{"key":"fruit","value":{"stringValue":"fig"}}]}]}},
			{"name":"wait","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1",
				"count":"3","sum":4.5,"explicitBounds":[1,2],"bucketCounts":["1","0","2"]}]}}]}]}]}`
)

func TestCollectorKeepsWhatItIsSent(t *testing.T) {
	c := testserver.NewCollector(t)
	send(t, c.OTLP()+"/v1/traces", otlpSpan)
	got := c.Spans(1)
	want := testserver.Span{
		Service: "shop", Scope: "by hand",
		TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", ParentID: "00f067aa0ba902b7",
		Name: "Buy", Kind: "server", Start: time.Unix(1, 0), End: time.Unix(3, 0),
		Attributes: map[string]any{"n": int64(3), "new": true}, Status: "error", StatusText: "sold out",
		Events: []testserver.SpanEvent{{Name: "paid", Attributes: map[string]any{"sum": 1.5}}},
	}
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	send(t, c.Zipkin()+"/api/v2/spans", zipkinSpan)
	got = c.Spans(2)
	// Tags are text, and a failure's text is one of them.
	want.Scope, want.Events, want.StatusText = "", nil, ""
	want.Attributes = map[string]any{"n": "3", "error": "sold out"}
	if len(got) != 2 || !reflect.DeepEqual(got[1], want) {
		t.Errorf("by Zipkin %+v, want %+v", got, want)
	}
}

func TestCollectorKeepsMeasurements(t *testing.T) {
	c := testserver.NewCollector(t)
	send(t, c.OTLP()+"/v1/metrics", otlpMetrics)
	got := c.Points(func(points []testserver.Point) bool { return len(points) >= 3 })
	none := map[string]any{}
	want := []testserver.Point{
		{Service: "shop", Scope: "by hand", Name: "stock", Unit: "{item}", Value: 7, Attributes: none},
		{Service: "shop", Scope: "by hand", Name: "sold", Unit: "kg", Value: 2.5, Attributes: map[string]any{"fruit": "fig"}},
		{Service: "shop", Scope: "by hand", Name: "wait", Unit: "s", Count: 3, Sum: 4.5,
			Bounds: []float64{1, 2}, Buckets: []int64{1, 0, 2}, Attributes: none},
	}
	for i := range got {
		if got[i].Attributes == nil {
			got[i].Attributes = none
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func send(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	// It is sent once, and takes as long as it takes: twice would be two batches.
	resp, err := http.DefaultTransport.RoundTrip(req.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s: %s", url, resp.Status)
	}
}
