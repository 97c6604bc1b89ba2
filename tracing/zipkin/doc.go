// Package zipkin reports spans to a Zipkin server, by its HTTP API of version 2.
//
//	provider, err := zipkin.NewProvider("http://zipkin:9411", "orders")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer provider.Shutdown(context.Background()) // sends what is left
//
//	place := tracing.Server(svc.Place, "orders/Place", tracing.Provider(provider))
//
// OpenTelemetry's own exporter for Zipkin is deprecated and ends in 2027, in favour of
// OTLP, which Zipkin servers and the Collector accept as well. This one is for servers
// without it, and follows the same mapping of spans:
// https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/.
package zipkin
