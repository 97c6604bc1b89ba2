// Package tracing makes OpenTelemetry spans of calls and carries the trace from
// hop to hop.
//
//	provider, err := zipkin.NewProvider("http://zipkin:9411/api/v2/spans", "orders") // or any other
//	defer provider.Shutdown(context.Background())
//	with := tracing.Provider(provider)
//
//	place := tracing.Server(svc.Place, "orders/Place", with)
//	mux.Handle("POST /orders", httpkit.NewHandler(place, httpkit.DecodeJSON, httpkit.EncodeJSON))
//
// A client has one span per call if [Client] goes round everything, and one per
// attempt, siblings below it, if it goes round what is retried or hedged as well:
//
//	charge := lb.Endpoint(balancer, (*payments.Client).Charge)
//	charge = tracing.Client(charge, "payments/Charge", with) // an attempt
//	charge = lb.Retry(charge)
//	charge = tracing.Client(charge, "payments/Charge", with) // the call
//
// Without [Provider], or with one that makes no spans, both return the endpoint as
// it is. The trace travels in the [call.Call], so over any transport of the
// toolkit: as W3C trace context and baggage, or as [Propagator] says. [LogAttrs]
// puts the IDs into records of package log.
package tracing
