package prometheus_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/metrics/prometheus"
)

func TestAScrape(t *testing.T) {
	exposed, err := prometheus.NewProvider("orders")
	if err != nil {
		t.Fatal(err)
	}
	with := metrics.Provider(exposed)
	wrong := metrics.Server(func(context.Context, string) (string, error) {
		return "", &endpoint.Error{Code: endpoint.Internal}
	}, "orders/Place", with)
	_, _ = wrong(t.Context(), "tea")
	page := scrape(t, exposed)
	for _, line := range []string{
		`rpc_server_call_duration_seconds_bucket{error_type="INTERNAL",rpc_method="orders/Place",` +
			`rpc_response_status_code="INTERNAL",rpc_system_name="dowel",le="+Inf"} 1`,
		`# TYPE rpc_server_call_duration_seconds histogram`,
		`dowel_server_active_calls{rpc_method="orders/Place",rpc_system_name="dowel"} 0`,
		`# TYPE dowel_server_active_calls gauge`,
		`service_name="orders"`,
	} {
		if !strings.Contains(page, line) {
			t.Errorf("no %s in\n%s", line, page)
		}
	}
	for _, line := range []string{"otel_scope", "go_goroutines"} {
		if strings.Contains(page, line) {
			t.Errorf("%s in\n%s", line, page)
		}
	}
	// Two services in one process do not see each other.
	other, err := prometheus.NewProvider("payments")
	if err != nil {
		t.Fatal(err)
	}
	if page := scrape(t, other); strings.Contains(page, "orders") {
		t.Errorf("of the other:\n%s", page)
	}
}

func TestAShutDownProviderHasNothingToSay(t *testing.T) {
	exposed, err := prometheus.NewProvider("orders", sdk.WithReader(sdk.NewManualReader()))
	if err != nil {
		t.Fatal(err)
	}
	e := metrics.Server(func(context.Context, string) (string, error) { return "", nil }, "orders/Place", metrics.Provider(exposed))
	_, _ = e(t.Context(), "tea")
	if page := scrape(t, exposed); !strings.Contains(page, "rpc_server_call_duration") {
		t.Fatalf("before, it says\n%s", page)
	}
	if err := exposed.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page := scrape(t, exposed); strings.Contains(page, "rpc_") {
		t.Errorf("it says\n%s", page)
	}
}

func TestNewProviderReturnsAllFaults(t *testing.T) {
	_, err := prometheus.NewProvider("", nil, sdk.WithView(), nil)
	want := "prometheus: NewProvider: the name of the service is empty\noption 1 is nil\noption 3 is nil"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func scrape(t *testing.T, p *prometheus.Provider) string {
	t.Helper()
	page := httptest.NewRecorder()
	p.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
