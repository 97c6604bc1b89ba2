package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/metrics/prometheus"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/tracing/zipkin"
)

// Observer is what one process tells of itself: spans, metrics and logs. A real
// service has one, made in main; here each of six instances has its own.
type Observer struct {
	Logger  *slog.Logger
	tracing tracing.Option
	metrics metrics.Option
	Metrics http.Handler // for a Prometheus server
	close   func(context.Context) error
}

// Sinks say where it goes, beside this program's own collector and journal.
type Sinks struct {
	Spans   *Collector
	Journal io.Writer
	OTLP    string // the URL of an OpenTelemetry Collector, or ""
	Zipkin  string // the URL of a Zipkin server, or ""
}

// NewObserver makes the observer of an instance of a service. Any exporter that fits
// OpenTelemetry's SDK has its place here.
func NewObserver(ctx context.Context, service, instance string, to Sinks) (*Observer, error) {
	who := resource.NewSchemaless(semconv.ServiceName(service), semconv.ServiceInstanceID(instance))
	// Spans are sent in batches; our own collector gets each when it ends.
	spans := []sdktrace.TracerProviderOption{sdktrace.WithResource(who), sdktrace.WithSyncer(to.Spans)}
	numbers := []sdkmetric.Option{sdkmetric.WithResource(who)}
	if to.OTLP != "" {
		e, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to.OTLP+"/v1/traces"))
		if err != nil {
			return nil, err
		}
		m, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(to.OTLP+"/v1/metrics"))
		if err != nil {
			return nil, err
		}
		spans = append(spans, sdktrace.WithBatcher(e))
		numbers = append(numbers, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(m)))
	}
	if to.Zipkin != "" {
		e, err := zipkin.NewExporter(to.Zipkin, nil)
		if err != nil {
			return nil, err
		}
		spans = append(spans, sdktrace.WithBatcher(e))
	}
	exposed, err := prometheus.NewProvider(service, numbers...)
	if err != nil {
		return nil, err
	}
	traced := sdktrace.NewTracerProvider(spans...)
	lines := log.NewHandler(slog.NewJSONHandler(to.Journal, nil), tracing.LogAttrs)
	return &Observer{
		Logger:  slog.New(lines).With("server", instance),
		tracing: tracing.Provider(traced),
		metrics: metrics.Provider(exposed),
		Metrics: exposed,
		// What is left is sent now.
		close: func(ctx context.Context) error {
			return errors.Join(traced.Shutdown(ctx), exposed.Shutdown(ctx))
		},
	}, nil
}

// observe is the stack round every endpoint of a server. Tracing is outermost, so that
// the span is there for the log's records.
func observe[Req, Resp any](o *Observer, e endpoint.Endpoint[Req, Resp], name string) endpoint.Endpoint[Req, Resp] {
	e = log.Calls(e, o.Logger, name)
	e = metrics.Server(e, name, o.metrics)
	return tracing.Server(e, name, o.tracing)
}

// called is the stack of a caller, round whatever it does to get an answer: attempts
// are seen one by one below the retries, see Dialer, and the call as a whole here.
func called[Req, Resp any](o *Observer, e endpoint.Endpoint[Req, Resp], name string) endpoint.Endpoint[Req, Resp] {
	return tracing.Client(metrics.Client(e, name, o.metrics), name, o.tracing)
}
