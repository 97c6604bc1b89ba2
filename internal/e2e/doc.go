// Package e2e has no code but tests of the toolkit's parts in concert: what the
// services of a chain tell of one request, as an OpenTelemetry Collector receives it
// and as their logs have it. It is a module of its own, because the exporters of OTLP
// would bring gRPC into the module graph of whoever imports tracing or metrics.
package e2e
