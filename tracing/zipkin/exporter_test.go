package zipkin_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/tracing/zipkin"
)

func TestBadURLs(t *testing.T) {
	for base, want := range map[string]string{
		"zipkin:9411":          `the URL must begin with http:// or https://, not "zipkin:"`,
		"":                     "the URL has no host",
		"http://":              "the URL has no host",
		"http://u:secret@h:x/": "the URL is malformed",
	} {
		_, err := zipkin.NewExporter(base, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "zipkin: NewExporter: ") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", base, err, want)
		}
	}
	_, err := zipkin.NewProvider("ftp://", "", nil)
	for _, want := range []string{"zipkin: NewProvider: ", `not "ftp:"`, "no host", "service is empty", "option 1 is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func batch() []sdk.ReadOnlySpan {
	return tracetest.SpanStubs{{Name: "x", SpanContext: trace.NewSpanContext(ids)}}.Snapshots()
}

func TestWhereSpansGo(t *testing.T) {
	s := serve(t)
	for suffix, want := range map[string]string{
		"": "/api/v2/spans", "/": "/api/v2/spans", "/api/v2/spans": "/api/v2/spans", "/zipkin/api/v2/spans": "/zipkin/api/v2/spans",
	} {
		clear(s.paths)
		e, err := zipkin.NewExporter(s.URL+suffix, s.Client())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.ExportSpans(t.Context(), batch()); err != nil || !s.paths[want] {
			t.Errorf("%q: %v, to %v", suffix, err, s.paths)
		}
	}
	clear(s.paths)
	e, _ := zipkin.NewExporter(s.URL, s.Client())
	if err := e.ExportSpans(t.Context(), nil); err != nil || len(s.paths) > 0 {
		t.Errorf("no spans: %v, to %v", err, s.paths)
	}
}

func TestFailures(t *testing.T) {
	s := serve(t)
	s.status = http.StatusServiceUnavailable
	e, err := zipkin.NewExporter(strings.Replace(s.URL, "//", "//user:secret@", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), batch()); err == nil || err.Error() != "zipkin: the server answered 503 Service Unavailable" {
		t.Errorf("refused: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.ExportSpans(ended, batch()); !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: %v", err)
	}
	s.Close()
	if err := e.ExportSpans(t.Context(), batch()); err == nil || strings.Contains(err.Error(), "user") {
		t.Errorf("nobody there: %v, want an error without the URL", err)
	}
	for range 2 {
		if err := e.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	if err := e.ExportSpans(t.Context(), batch()); !errors.Is(err, zipkin.ErrShutdown) {
		t.Errorf("after Shutdown: %v", err)
	}
}

// A server and its client, over a provider made in one line.
func TestProvider(t *testing.T) {
	s := serve(t)
	p, err := zipkin.NewProvider(s.URL, "orders")
	if err != nil {
		t.Fatal(err)
	}
	with := tracing.Provider(p)
	echo := func(_ context.Context, text string) (string, error) { return text, nil }
	e := tracing.Server(tracing.Client(echo, "store/Put", with), "orders/Place", with)
	if _, err := e(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := s.received()
	if len(spans) != 2 {
		t.Fatalf("the server got %d spans, want 2", len(spans))
	}
	client, server := spans[0], spans[1]
	if client["parentId"] != server["id"] || client["traceId"] != server["traceId"] || server["parentId"] != nil {
		t.Errorf("the spans are no tree: %v", spans)
	}
	for _, span := range spans {
		if name := span["localEndpoint"].(map[string]any)["serviceName"]; name != "orders" {
			t.Errorf("the service is %v", name)
		}
	}
}

func TestExporterConcurrentSafe(t *testing.T) {
	s := serve(t)
	e, err := zipkin.NewExporter(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := e.ExportSpans(context.Background(), batch()); err != nil && !errors.Is(err, zipkin.ErrShutdown) {
					t.Error(err)
				}
			}
			_ = e.Shutdown(context.Background())
		})
	}
	wg.Wait()
	if n := len(s.received()); n < 5 || n > 40 {
		t.Errorf("the server got %d spans", n)
	}
}
