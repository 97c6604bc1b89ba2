package testserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dowelkit/dowel/internal/servers"
)

// A Collector is an OpenTelemetry Collector, which keeps what it is sent: see
// [Collector.Spans] and [Collector.Metrics]. It is used as [Server] is.
type Collector struct {
	*Server
	otlp, grpc, zipkin string
}

// NewCollector starts a Collector that ends with the test.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	path := get(t, servers.Collector, "; it needs the receivers of OTLP and Zipkin, and the exporter to files")
	s := newServer(t, "otelcol")
	addrs := Ports(t, 3)
	c := &Collector{Server: s, otlp: addrs[0], grpc: addrs[1], zipkin: addrs[2]}
	file := filepath.Join(s.dir, "otelcol.yaml")
	if err := os.WriteFile(file, []byte(c.config()), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(program{
		name: "otelcol",
		addr: c.otlp,
		path: path,
		args: []string{"--config", file},
		// Its ports are open before that: the first pipeline to start opens them for
		// the others, whose exporters crash on what comes too early.
		ready: func(context.Context) error { return s.says("Everything is ready") },
	})
	return c
}

// OTLP returns the URL for exporters of OTLP over HTTP.
func (c *Collector) OTLP() string { return "http://" + c.otlp }

// OTLPGRPC returns the URL for exporters of OTLP over gRPC.
func (c *Collector) OTLPGRPC() string { return "http://" + c.grpc }

// Zipkin returns the URL for exporters to a Zipkin server.
func (c *Collector) Zipkin() string { return "http://" + c.zipkin }

func (c *Collector) traces() string  { return filepath.Join(c.data(), "traces.json") }
func (c *Collector) metrics() string { return filepath.Join(c.data(), "metrics.json") }

// config has the Collector write a line for each batch, soon. It serves no metrics of
// its own, whose port would be a fixed one.
func (c *Collector) config() string {
	return fmt.Sprintf(`receivers:
  otlp:
    protocols:
      http: {endpoint: %q}
      grpc: {endpoint: %q}
  zipkin: {endpoint: %q}
exporters:
  file/traces: {path: %q, flush_interval: 20ms}
  file/metrics: {path: %q, flush_interval: 20ms}
service:
  telemetry:
    metrics: {level: none}
    logs: {level: info}
  pipelines:
    traces: {receivers: [otlp, zipkin], exporters: [file/traces]}
    metrics: {receivers: [otlp], exporters: [file/metrics]}
`, c.otlp, c.grpc, c.zipkin, c.traces(), c.metrics())
}
