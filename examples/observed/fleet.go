package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// Fleet is the instances of all services. Each has a server, clients and an observer of
// its own, as if it were a process.
type Fleet struct {
	sinks     Sinks
	registry  *memory.Registry
	instances []Instance
	closers   []func() error // of clients, servers and observers, in order of their start
}

// Instance is one server, by its name and where it listens.
type Instance struct{ Name, Addr string }

// Observer makes an observer that ends with the fleet.
func (f *Fleet) Observer(ctx context.Context, service, instance string) (*Observer, error) {
	o, err := NewObserver(ctx, service, instance, f.sinks)
	if err != nil {
		return nil, err
	}
	f.closers = append(f.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return o.close(ctx)
	})
	return o, nil
}

// Start starts an instance whose endpoint build makes.
func (f *Fleet) Start(
	ctx context.Context, instance, method string, build func(*Observer) (endpoint.Endpoint[Order, Receipt], error),
) error {
	o, err := f.Observer(ctx, serviceOf(method), instance)
	if err != nil {
		return err
	}
	e, err := build(o)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /"+method, httpkit.NewHandler(observe(o, e, method), httpkit.DecodeJSON, httpkit.EncodeJSON))
	mux.Handle("GET /metrics", o.Metrics) // in earnest at an address that users do not reach

	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	bound, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- transport.Serve(serving, "127.0.0.1:0", httpkit.NewServer(mux),
			transport.Register(f.registry.Registrar(serviceOf(method)), sd.Instance{ID: instance}),
			transport.OnListen(func(a net.Addr) { bound <- a }),
			transport.NoticeDelay(0), // nobody calls any more when the fleet stops
			transport.Logger(o.Logger),
		)
	}()
	f.closers = append(f.closers, func() error { stop(); return <-done })
	select {
	case addr := <-bound:
		f.instances = append(f.instances, Instance{instance, addr.String()})
		return nil
	case err := <-done:
		done <- err // for the closer
		return err
	}
}

// Stop stops what was started, the last first: callers before whom they call, and
// observers after whom they observe.
func (f *Fleet) Stop() error {
	var errs []error
	for _, stop := range slices.Backward(f.closers) {
		errs = append(errs, stop())
	}
	f.closers = nil
	return errors.Join(errs...)
}

// serviceOf returns "orders" of "orders/Place".
func serviceOf(method string) string {
	service, _, _ := strings.Cut(method, "/")
	return service
}
