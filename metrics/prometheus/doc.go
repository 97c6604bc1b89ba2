// Package prometheus exposes metrics to a Prometheus server.
//
//	exposed, err := prometheus.NewProvider("orders")
//	mux.Handle("GET /metrics", exposed)
//	with := metrics.Provider(exposed)
//
// It joins OpenTelemetry's SDK with its exporter for Prometheus. Names are translated
// as OpenTelemetry says: rpc.server.call.duration in seconds becomes
// rpc_server_call_duration_seconds, and what counts ends in _total.
package prometheus
