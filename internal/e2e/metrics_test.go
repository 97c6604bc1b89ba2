package e2e_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/metrics/prometheus"
)

const requests = 5

// What was measured of the requests, by whom. Every first attempt at bank fails, and no
// call does.
var counts = map[string]float64{
	"front rpc.server.call.duration front/Buy OK":     requests,
	"orders rpc.server.call.duration orders/Place OK": requests,

	"orders rpc.client.call.duration bank/Reserve OK":               requests,
	"orders dowel.client.attempt.duration bank/Reserve OK":          requests,
	"orders dowel.client.attempt.duration bank/Reserve UNAVAILABLE": requests,
	"bank rpc.server.call.duration bank/Reserve OK":                 requests,
	"bank rpc.server.call.duration bank/Reserve UNAVAILABLE":        requests,

	"orders rpc.client.call.duration bank/Take OK":             requests,
	"orders dowel.client.attempt.duration bank/Take OK":        requests,
	"orders dowel.client.attempt.duration bank/Take CANCELLED": requests,
	"bank rpc.server.call.duration bank/Take OK":               requests,
	"bank rpc.server.call.duration bank/Take CANCELLED":        requests,

	"user dowel.client.attempt.duration front/Buy OK":     requests,
	"front dowel.client.attempt.duration orders/Place OK": requests,
}

func TestACollectorHasTheCountsOfAllHops(t *testing.T) {
	collector := testserver.NewCollector(t)
	s := &shop{t: t, journal: io.Discard, metrics: map[string][]metrics.Option{}}
	var providers []*sdk.MeterProvider
	for _, service := range services {
		e, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(collector.OTLP()+"/v1/metrics"))
		if err != nil {
			t.Fatal(err)
		}
		p := sdk.NewMeterProvider(sdk.WithReader(sdk.NewPeriodicReader(e)),
			sdk.WithResource(resource.NewSchemaless(semconv.ServiceName(service))))
		providers = append(providers, p)
		s.metrics[service] = []metrics.Option{metrics.Provider(p)}
	}
	s.use()
	s.close()
	for _, p := range providers {
		if err := p.Shutdown(t.Context()); err != nil { // collects and sends
			t.Error(err)
		}
	}

	from := func(points []testserver.Point) map[string]bool {
		found := map[string]bool{}
		for _, p := range points {
			found[p.Service] = true
		}
		return found
	}
	points := collector.Points(func(points []testserver.Point) bool { return len(from(points)) == len(services) })
	got := map[string]float64{}
	for _, p := range points {
		if p.Count > 0 {
			got[fmt.Sprint(p.Service, " ", p.Name, " ", p.Attributes["rpc.method"], " ", p.Attributes["rpc.response.status_code"])] += float64(p.Count)
			if p.Unit != "s" || p.Sum <= 0 || p.Sum > 60*requests {
				t.Errorf("%s %s: %v%s", p.Service, p.Name, p.Sum, p.Unit)
			}
		} else if p.Value != 0 {
			t.Errorf("after the last call %s %s is %v", p.Service, p.Name, p.Value)
		}
	}
	if !maps.Equal(got, counts) {
		t.Errorf("counts are %v, want %v", got, counts)
	}
}

// use makes the requests.
func (s *shop) use() {
	s.t.Helper()
	buy := s.open()
	for i := range requests {
		if _, err := buy(s.t.Context(), fmt.Sprint("item ", i)); err != nil {
			s.t.Error(err)
		}
	}
}

func TestAPrometheusAnswersWithTheRightNumbers(t *testing.T) {
	s := &shop{t: t, journal: io.Discard, metrics: map[string][]metrics.Option{}}
	var targets []string
	for _, service := range services {
		exposed, err := prometheus.NewProvider(service)
		if err != nil {
			t.Fatal(err)
		}
		s.metrics[service] = []metrics.Option{metrics.Provider(exposed)}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", exposed)
		server := httptest.NewServer(mux)
		defer server.Close()
		targets = append(targets, server.Listener.Addr().String())
	}
	began := time.Now()
	s.use()
	took := time.Since(began).Seconds()
	s.close()
	held := make(chan struct{})
	wait := metrics.Server(func(context.Context, string) (string, error) { <-held; return "", nil },
		"front/Wait", s.metrics["front"]...)
	waited := make(chan struct{})
	go func() { defer close(waited); _, _ = wait(t.Context(), "") }()
	release := sync.OnceFunc(func() { close(held) })
	defer func() { release(); <-waited }()

	p := testserver.NewPrometheus(t, targets...)
	// The services' own names are in target_info, which has the address of each.
	named := ` * on (instance) group_left (service_name) target_info`
	names := map[string]string{
		"rpc_server_call_duration_seconds":      "rpc.server.call.duration",
		"rpc_client_call_duration_seconds":      "rpc.client.call.duration",
		"dowel_client_attempt_duration_seconds": "dowel.client.attempt.duration",
	}
	until(t, "the counts of all services", func() (any, bool) {
		got := map[string]float64{}
		for name, ours := range names {
			for _, v := range ask(t, p, name+"_count"+named) {
				got[fmt.Sprint(v.Labels["service_name"], " ", ours, " ", v.Labels["rpc_method"], " ",
					v.Labels["rpc_response_status_code"])] = v.Value
			}
		}
		return got, maps.Equal(got, counts)
	})
	for query, want := range map[string]float64{
		`count(up == 1)`: float64(len(services)),
		// The rate of errors, and of attempts by call.
		`sum(rpc_server_call_duration_seconds_count{rpc_method="bank/Reserve",error_type!=""})
			/ sum(rpc_server_call_duration_seconds_count{rpc_method="bank/Reserve"})`: 0.5,
		`sum(rpc_server_call_duration_seconds_count{rpc_method="bank/Take",error_type!=""}) or vector(0)`: 0,
		`sum(dowel_client_attempt_duration_seconds_count{rpc_method="bank/Take"})
			/ sum(rpc_client_call_duration_seconds_count{rpc_method="bank/Take"})`: 2,
		// Every call is in the histogram, and none took as much as all together.
		`sum(rpc_server_call_duration_seconds_bucket{rpc_method="front/Buy",le="+Inf"})`:                 requests,
		fmt.Sprintf(`sum(rpc_server_call_duration_seconds_sum{rpc_method="front/Buy"}) < bool %g`, took): 1,
		`sum(rpc_server_call_duration_seconds_sum{rpc_method="front/Buy"})
			> bool sum(rpc_server_call_duration_seconds_sum{rpc_method="orders/Place"})`: 1,
		`sum(rpc_server_call_duration_seconds_sum{rpc_method="front/Buy"}) > bool 0.02 * 5`: 1, // it hedged
		`sum(dowel_server_active_calls)`:                                     1,
		`dowel_server_active_calls{rpc_method="front/Wait"}`:                 1,
		`sum(dowel_client_active_attempts) + sum(dowel_client_active_calls)`: 0,
	} {
		// A scrape that a busy machine was late for takes its series away until the next.
		until(t, fmt.Sprintf("%s = %v", query, want), func() (any, bool) {
			got := ask(t, p, query)
			return got, len(got) == 1 && got[0].Value == want
		})
	}
	release()
	until(t, "the call that waited", func() (any, bool) {
		active := ask(t, p, `dowel_server_active_calls{rpc_method="front/Wait"}`)
		ended := ask(t, p, `rpc_server_call_duration_seconds_count{rpc_method="front/Wait"}`)
		return []any{active, ended}, len(active) == 1 && active[0].Value == 0 && len(ended) == 1 && ended[0].Value == 1
	})
}

func ask(t *testing.T, p *testserver.Prometheus, query string) []testserver.Sample {
	t.Helper()
	samples, err := p.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// until polls to a deadline.
func until(t *testing.T, what string, look func() (found any, ok bool)) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		found, ok := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute, %s: %v", what, found)
		}
	}
}
