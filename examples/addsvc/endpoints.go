package main

import (
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/ratelimit"
)

// Endpoints is the service as servers offer it and as clients call it, on either wire.
type Endpoints struct {
	Sum    endpoint.Endpoint[SumRequest, int64]
	Concat endpoint.Endpoint[ConcatRequest, string]
}

// NewEndpoints returns those of a server.
func NewEndpoints(svc Service, logger *slog.Logger) Endpoints {
	limiter := rate.NewLimiter(1000, 100) // both methods load the same machine
	return Endpoints{
		Sum:    harden(svc.Sum, "sum", limiter, logger),
		Concat: harden(svc.Concat, "concat", limiter, logger),
	}
}

// harden is the stack of middleware round every method; the last one is outermost.
func harden[Req, Resp any](
	e endpoint.Endpoint[Req, Resp], method string, limiter *rate.Limiter, logger *slog.Logger,
) endpoint.Endpoint[Req, Resp] {
	e = endpoint.Recover(e)
	e = endpoint.Timeout(e, time.Second)
	e = ratelimit.Limit(e, limiter)
	return log.Calls(e, logger, method)
}

// resilient is the stack of a client.
func (e Endpoints) resilient() Endpoints {
	budget := lb.NewBudget()
	e.Sum = lb.Retry(e.Sum, lb.Idempotent(), lb.RetryBudget(budget))
	e.Concat = lb.Retry(e.Concat, lb.Idempotent(), lb.RetryBudget(budget))
	return e
}
