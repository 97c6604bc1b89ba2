// Package metrics measures calls, and reads what the toolkit's own parts know of
// themselves, as metrics of OpenTelemetry.
//
//	exposed, err := prometheus.NewProvider("orders") // metrics/prometheus, or any other provider
//	mux.Handle("GET /metrics", exposed)
//	with := metrics.Provider(exposed)
//
//	place := metrics.Server(svc.Place, "orders/Place", with)
//	mux.Handle("POST /orders", httpkit.NewHandler(place, httpkit.DecodeJSON, httpkit.EncodeJSON))
//
// That is rate, errors and duration in one histogram by method and code, whose count
// is the calls, and the calls in flight. Make one option of [Provider] and use it
// everywhere: what has one name is then counted together. [Client] goes round what
// retries, [Attempt] below:
//
//	charge := lb.Endpoint(balancer, (*payments.Client).Charge)
//	charge = metrics.Attempt(charge, "payments/Charge", with)
//	charge = lb.Retry(charge)
//	charge = metrics.Client(charge, "payments/Charge", with)
//
// Without [Provider], or with one that measures nothing, each returns the endpoint
// as it is. No attribute tells of a path, a caller or a request, so the number of
// series is fixed by the program.
package metrics
