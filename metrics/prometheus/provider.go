package prometheus

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Provider is a provider of meters and the handler that a Prometheus server scrapes:
// each scrape collects what is known then. It is safe for concurrent use and is made
// by [NewProvider]. It starts no goroutine; after its Shutdown it has nothing to say.
type Provider struct {
	*sdk.MeterProvider
	handler http.Handler
}

// NewProvider returns a provider of the metrics of a service, whose name the metric
// target_info has as service_name, beside what OTEL_RESOURCE_ATTRIBUTES and the other
// variables of OpenTelemetry's SDK say. It holds nothing but what is measured with it:
// client_golang's global registry and its metrics of the Go runtime are left out.
// Series have no labels for the Go package that made them. Options may add readers,
// for instance one that sends OTLP, and views, for instance with other bounds of a
// histogram.
//
// All faults are one error: an empty name of the service, an option that is nil.
func NewProvider(service string, opts ...sdk.Option) (*Provider, error) {
	var faults []error
	if service == "" {
		faults = append(faults, errors.New("the name of the service is empty"))
	}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("prometheus: NewProvider: %w", err)
	}
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("prometheus: NewProvider: %w", err)
	}
	of, err := resource.Merge(resource.Default(), resource.NewSchemaless(semconv.ServiceName(service)))
	if err != nil {
		return nil, fmt.Errorf("prometheus: NewProvider: %w", err)
	}
	all := append([]sdk.Option{sdk.WithResource(of), sdk.WithReader(reader)}, opts...)
	return &Provider{
		MeterProvider: sdk.NewMeterProvider(all...),
		handler:       promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}),
	}, nil
}

// ServeHTTP answers a scrape, in Prometheus' text format or, if the server asks for
// it, as OpenMetrics, which has exemplars, or protobuf.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }
