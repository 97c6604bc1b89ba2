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
// The toolkit's own parts are observed by a line each, which reads what they know when
// metrics are collected and costs a call nothing:
//
//	metrics.Endpointer(clients, "payments", with)
//	metrics.Balancer(balancer, "payments", with)
//	metrics.Retries(&attempts, "payments", with) // and hedges: of lb.Retry and lb.Hedge
//	metrics.Registration(registration, "orders", with)
//
// and so are retry budgets, circuit breakers, throttlers, limiters, queues and adaptive
// limits. The name is the attribute dowel.name.
//
// Without [Provider], or with one that measures nothing, each returns the endpoint
// as it is, or observes nothing. No attribute tells of a path, a caller or a request,
// and each balancer tells instances one by one up to a bound, so the program fixes how
// many series there are.
package metrics
