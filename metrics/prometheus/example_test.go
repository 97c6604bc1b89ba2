package prometheus_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/metrics/prometheus"
)

func ExampleNewProvider() {
	exposed, err := prometheus.NewProvider("orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	place := metrics.Server(func(_ context.Context, item string) (string, error) {
		return "placed " + item, nil
	}, "orders/Place", metrics.Provider(exposed))
	_, _ = place(context.Background(), "tea")

	page := httptest.NewRecorder() // mux.Handle("GET /metrics", exposed)
	exposed.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for lines := bufio.NewScanner(page.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "rpc_server_call_duration_seconds_count") {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// rpc_server_call_duration_seconds_count{rpc_method="orders/Place",rpc_response_status_code="OK",rpc_system_name="dowel"} 1
}
