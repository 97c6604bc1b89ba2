package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// shop is a chain of three services over HTTP, of two instances each: front calls
// orders, which calls bank twice. Of each request the first attempt to reserve money is
// refused, and made again; the first one to take it hangs, and loses its hedge.
type shop struct {
	t       *testing.T
	tracing map[string][]tracing.Option // by service
	metrics map[string][]metrics.Option // by service
	journal io.Writer                   // of all services
	servers []*httptest.Server
	clients []io.Closer
	hanging sync.Map // a channel by item
}

// open returns the endpoint that calls front.
func (s *shop) open() endpoint.Endpoint[string, string] {
	reserving := s.called("orders", "bank/Reserve", lb.Retry(s.serve("bank/Reserve", reserve)))
	taking := s.called("orders", "bank/Take", lb.Hedge(s.serve("bank/Take", s.take), lb.HedgeAfter(20*time.Millisecond)))
	place := s.serve("orders/Place", func(ctx context.Context, item string) (string, error) {
		if _, err := reserving(ctx, item); err != nil {
			return "", err
		}
		return taking(ctx, item)
	})
	return s.serve("front/Buy", place)
}

func reserve(ctx context.Context, _ string) (string, error) {
	if isFirst(ctx) {
		return "", &endpoint.Error{Code: endpoint.Unavailable, Reason: "CLOSED", NotProcessed: true}
	}
	return "reserved", nil
}

// take lets the second attempt win only once the first one has arrived: a client on a
// busy machine may hedge, and win, before it has sent that.
func (s *shop) take(ctx context.Context, item string) (string, error) {
	v, _ := s.hanging.LoadOrStore(item, make(chan struct{}))
	hanging := v.(chan struct{})
	if isFirst(ctx) {
		close(hanging)
		<-ctx.Done()
		return "", ctx.Err()
	}
	select {
	case <-hanging:
		return item + " is yours", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// isFirst is true of the first attempt, whichever arrives first.
func isFirst(ctx context.Context) bool { return call.From(ctx).Inherited() == 0 }

// callers says who calls a service.
var callers = map[string]string{"front": "user", "orders": "front", "bank": "orders"}

// serve starts two instances of a service with one method, and returns the endpoint
// that balances over them. It has a span for each attempt.
func (s *shop) serve(name string, next endpoint.Endpoint[string, string]) endpoint.Endpoint[string, string] {
	service, _, _ := strings.Cut(name, "/")
	logger := slog.New(log.NewHandler(slog.NewJSONHandler(s.journal, nil), tracing.LogAttrs)).With("service", service)
	e := func(ctx context.Context, item string) (string, error) {
		logger.InfoContext(ctx, "working", "item", item)
		return next(ctx, item)
	}
	e = metrics.Server(log.Calls(e, logger, name), name, s.metrics[service]...)
	e = tracing.Server(e, name, s.tracing[service]...)
	handler := httpkit.NewHandler(e, httpkit.DecodeJSON, httpkit.EncodeJSON)

	instances := make([]sd.Instance, 2)
	for i := range instances {
		server := httptest.NewServer(handler)
		s.servers = append(s.servers, server)
		instances[i] = sd.Instance{ID: fmt.Sprintf("%s-%d", service, i), Addr: server.Listener.Addr().String()}
	}
	list, err := static.NewInstancer(instances...)
	if err != nil {
		s.t.Fatal(err)
	}
	clients := sd.NewEndpointer(list, func(_ context.Context, in *sd.Instance) (client, error) {
		c, err := httpkit.NewClient("http://" + in.Addr)
		if err != nil {
			return client{}, err
		}
		by := callers[service]
		call := metrics.Attempt(httpkit.NewEndpoint[string, string](c, "POST /"), name, s.metrics[by]...)
		call = tracing.Client(call, name, slices.Concat(s.tracing[by], []tracing.Option{tracing.Instance(in)})...)
		return client{c, call}, nil
	})
	s.clients = append(s.clients, clients)
	until(s.t, "both are dialed", func() (any, bool) { // so that a retry has another one
		status := clients.Status()
		return status, status.Live == 2
	})
	return lb.Endpoint(lb.New(clients, lb.RoundRobin()), client.Call)
}

// called is for what is retried or hedged: the call is observed as a whole.
func (s *shop) called(by, name string, e endpoint.Endpoint[string, string]) endpoint.Endpoint[string, string] {
	return tracing.Client(metrics.Client(e, name, s.metrics[by]...), name, s.tracing[by]...)
}

// close returns once every call has ended on both sides.
func (s *shop) close() {
	for _, c := range s.clients {
		if err := c.Close(); err != nil {
			s.t.Error(err)
		}
	}
	for _, server := range s.servers {
		server.Close()
	}
}

// client is a client of one instance.
type client struct {
	*httpkit.Client
	call endpoint.Endpoint[string, string]
}

func (c client) Call(ctx context.Context, item string) (string, error) { return c.call(ctx, item) }

var services = []string{"user", "front", "orders", "bank"}
