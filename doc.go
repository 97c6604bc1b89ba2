// Package dowel is the map of a toolkit for microservices: small packages that a
// service imports one by one and composes in code. It holds no code itself.
//
// A service is a plain Go value with typed methods. A method is an endpoint, and
// middleware are functions round it; no line needs a type argument:
//
//	uppercase := ratelimit.Limit(svc.Uppercase, rate.NewLimiter(100, 10))
//	uppercase = log.Calls(uppercase, logger, "uppercase")
//	mux.Handle("POST /uppercase", httpkit.NewHandler(uppercase, httpkit.DecodeJSON, httpkit.EncodeJSON))
//
// A client discovers the instances, keeps one client for each, and balances:
//
//	clients := sd.NewEndpointer(instances, stringsvc.Dial)
//	balancer := lb.New(clients, lb.LeastRequest())
//	uppercase := lb.Endpoint(balancer, (*stringsvc.Client).Uppercase)
//	uppercase = lb.Retry(uppercase, lb.MaxAttempts(3), lb.Idempotent())
//
// What is where:
//
//	endpoint           the typed function, the error model, basic middleware
//	call               what travels with one call: IDs, deadline, priority, keys
//	ratelimit          limits: reject, wait, one limiter per caller
//	circuitbreaker     stops calling what keeps failing
//	log                structured records of calls, on log/slog
//	sd                 service discovery: watch, register, one client per instance
//	sd/static          a list, or a file that is read again when it changes
//	sd/memory          a registry inside the process
//	sd/dns             SRV and address records
//	sd/consul          Consul (a module of its own)
//	sd/etcd            etcd (a module of its own)
//	sd/zookeeper       ZooKeeper (a module of its own)
//	sd/sdtest          the conformance suite of every registry adapter
//	lb                 balancing, retry, hedging
//	lb/lbsim           strategies compared in simulated fleets
//	transport          serve: register, become ready, drain, stop
//	transport/httpkit  HTTP handlers, endpoints and a balancing RoundTripper
//	transport/grpckit  gRPC: generated code as endpoints (a module of its own)
//	tracing            spans, by OpenTelemetry's API (a module of its own)
//	tracing/zipkin     spans to a Zipkin server
//	metrics            calls and the toolkit's own parts, by OpenTelemetry's API (a module of its own)
//	metrics/prometheus metrics on a page for Prometheus
//	examples           complete programs (a module of its own)
//
// Start with examples/quickstart.
package dowel
