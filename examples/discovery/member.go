package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Greeting is the request and the response of the service.
type Greeting struct {
	From string `json:"from"`
}

// Member is one instance of the service, and a client of the others.
type Member struct {
	Name     string
	registry registry
	say      func(format string, args ...any)
}

// Greet is the service.
func (m *Member) Greet(_ context.Context, _ Greeting) (Greeting, error) {
	return Greeting{From: m.Name}, nil
}

// Run serves, is registered, watches and calls until ctx ends.
func (m *Member) Run(ctx context.Context, listen string, every time.Duration) error {
	// One watch of the registry for both who look at the others.
	others := sd.Share(sd.Filter(m.registry.instancer, func(in *sd.Instance) bool { return in.ID != m.Name }))

	clients := sd.NewEndpointer(others, dial)
	defer clients.Close()
	var company sync.WaitGroup
	defer company.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	company.Go(func() { m.watch(ctx, others) })
	company.Go(func() { m.greet(ctx, clients, every) })

	mux := http.NewServeMux()
	mux.Handle("POST /greet", httpkit.NewHandler(m.Greet, httpkit.DecodeJSON, httpkit.EncodeJSON))
	// Serve registers the address that it listens at, and deregisters it before it
	// stops to listen.
	return transport.Serve(ctx, listen, httpkit.NewServer(mux),
		transport.Register(m.registry.registrar, sd.Instance{ID: m.Name}))
}

// watch tells of each change of the set, and of each fault of the registry.
func (m *Member) watch(ctx context.Context, others sd.Instancer) {
	for set, err := range others.Watch(ctx) {
		if err != nil {
			m.say("the registry is in trouble, the others stay: %v", err)
			continue
		}
		if len(set) == 0 {
			m.say("nobody else is here")
			continue
		}
		names := make([]string, len(set))
		for i, in := range set {
			names[i] = in.ID + " at " + in.Addr
		}
		m.say("others: %s", strings.Join(names, ", "))
	}
}

// greet calls one of the others now and then.
func (m *Member) greet(ctx context.Context, clients *sd.Endpointer[*Client], every time.Duration) {
	greet := lb.Endpoint(lb.New(clients, lb.RoundRobin()), (*Client).Greet)
	greet = lb.Retry(greet, lb.MaxAttempts(3), lb.Idempotent(), lb.AttemptTimeout(time.Second))
	for ticker := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return
		case <-ticker.C:
		}
		answer, err := greet(ctx, Greeting{From: m.Name})
		switch {
		case errors.Is(err, lb.ErrNoInstance), ctx.Err() != nil: // nobody to greet
		case err != nil:
			m.say("a greeting failed: %v", err)
		default:
			m.say("greeted by %s", answer.From)
		}
	}
}

// Client calls one instance. The endpointer keeps one for each that is there.
type Client struct {
	http  *httpkit.Client
	greet endpoint.Endpoint[Greeting, Greeting]
}

// Greet calls the instance.
func (c *Client) Greet(ctx context.Context, g Greeting) (Greeting, error) { return c.greet(ctx, g) }

// Close is called when the instance has left and its last call has ended.
func (c *Client) Close() error { return c.http.Close() }

func dial(_ context.Context, in *sd.Instance) (*Client, error) {
	c, err := httpkit.NewClient("http://" + in.Addr)
	if err != nil {
		return nil, err
	}
	return &Client{c, httpkit.NewEndpoint[Greeting, Greeting](c, "POST /greet")}, nil
}
