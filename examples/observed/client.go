package main

import (
	"context"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Client is a client of one instance of any of the services, which have a method each.
type Client struct {
	*httpkit.Client // for its Close
	call            endpoint.Endpoint[Order, Receipt]
}

func (c Client) Call(ctx context.Context, o Order) (Receipt, error) { return c.call(ctx, o) }

// Discover returns the endpoint that finds the instances of the service of a method,
// such as "orders/Place", and balances over them. o is the caller's.
func (f *Fleet) Discover(ctx context.Context, o *Observer, method string) (endpoint.Endpoint[Order, Receipt], error) {
	dial := func(_ context.Context, in *sd.Instance) (Client, error) {
		c, err := httpkit.NewClient("http://" + in.Addr)
		if err != nil {
			return Client{}, err
		}
		// What is below the retries is an attempt, and here its instance is known.
		e := httpkit.NewEndpoint[Order, Receipt](c, "POST /"+method)
		e = metrics.Attempt(e, method, o.metrics)
		e = tracing.Client(e, method, o.tracing, tracing.Instance(in))
		return Client{c, e}, nil
	}
	clients := sd.NewEndpointer(f.registry.Instancer(serviceOf(method)), dial)
	f.closers = append(f.closers, clients.Close)
	balancer := lb.New(clients, lb.RoundRobin())
	// The toolkit's parts are read when metrics are: they cost the calls nothing.
	metrics.Endpointer(clients, serviceOf(method), o.metrics)
	metrics.Balancer(balancer, serviceOf(method), o.metrics)
	return lb.Endpoint(balancer, Client.Call), clients.Ready(ctx)
}
