package zipkin

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// NewProvider returns a provider whose spans go to the Zipkin server at url, see
// [NewExporter], in batches and as those of the service. What OTEL_RESOURCE_ATTRIBUTES
// and the other variables of OpenTelemetry's SDK say is heeded, and options come after
// that. Its Shutdown sends what is left and ends its goroutine.
//
// All faults are one error: of the URL, an empty name of the service, an option that is
// nil.
func NewProvider(url, service string, opts ...sdk.TracerProviderOption) (*sdk.TracerProvider, error) {
	exporter, fault := newExporter(url, nil)
	faults := []error{fault}
	if service == "" {
		faults = append(faults, errors.New("the name of the service is empty"))
	}
	for i, opt := range opts {
		if opt == nil {
			faults = append(faults, fmt.Errorf("option %d is nil", i+1))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("zipkin: NewProvider: %w", err)
	}
	of, err := resource.Merge(resource.Default(), resource.NewSchemaless(semconv.ServiceName(service)))
	if err != nil {
		return nil, fmt.Errorf("zipkin: NewProvider: %w", err)
	}
	all := append([]sdk.TracerProviderOption{sdk.WithResource(of), sdk.WithBatcher(exporter)}, opts...)
	return sdk.NewTracerProvider(all...), nil
}
