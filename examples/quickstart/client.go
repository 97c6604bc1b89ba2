package main

import (
	"context"
	"time"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Client is a client of one instance of the service. A service would export it,
// for its callers to use.
type Client struct {
	http      *httpkit.Client
	uppercase endpoint.Endpoint[UppercaseRequest, UppercaseResponse]
	count     endpoint.Endpoint[CountRequest, CountResponse]
}

func (c *Client) Uppercase(ctx context.Context, r UppercaseRequest) (UppercaseResponse, error) {
	return c.uppercase(ctx, r)
}

func (c *Client) Count(ctx context.Context, r CountRequest) (CountResponse, error) {
	return c.count(ctx, r)
}

// Close is called when the instance has left and its last call has ended.
func (c *Client) Close() error { return c.http.Close() }

// Dialer returns the function that makes the client of an instance. What belongs
// to one instance is wrapped here: its breaker, and our own tally for the table.
func Dialer(tally *Tally) func(context.Context, *sd.Instance) (*Client, error) {
	return func(_ context.Context, in *sd.Instance) (*Client, error) {
		c, err := httpkit.NewClient("http://" + in.Addr)
		if err != nil {
			return nil, err
		}
		// An endpoint made from nothing but a path is the only one to name its types.
		uppercase := httpkit.NewEndpoint[UppercaseRequest, UppercaseResponse](c, "POST /uppercase")
		count := httpkit.NewEndpoint[CountRequest, CountResponse](c, "POST /count")

		// Both methods share the breaker: it is the instance that is well or not.
		breaker := circuitbreaker.New(in.ID, circuitbreaker.TripAfter(3), circuitbreaker.OpenFor(time.Second))
		row := tally.Instance(in.ID)
		return &Client{
			http:      c,
			uppercase: circuitbreaker.Break(measure(row, uppercase), breaker),
			count:     circuitbreaker.Break(measure(row, count), breaker),
		}, nil
	}
}

// resilient is the caller's stack for every method of the service.
func resilient[Req, Resp any](e endpoint.Endpoint[Req, Resp], budget *lb.Budget, tally *Tally) endpoint.Endpoint[Req, Resp] {
	return lb.Retry(e,
		lb.Idempotent(), // to upper-case a text twice does no harm
		lb.MaxAttempts(5),
		lb.AttemptTimeout(2*time.Second),
		lb.RetryBudget(budget),
		lb.OnRetry(tally.Retry),
	)
}
