package consul_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/internal/testserver"
	"github.com/dowelkit/dowel/sd"
	"github.com/hashicorp/consul/api"
)

// TestClosedConnections: to close what a client has open, over and over, is the most
// that its owner can do to it. It costs nothing but new connections.
func TestClosedConnections(t *testing.T) {
	t.Parallel()
	server := testserver.NewConsul(t)
	var transport *http.Transport
	o := operator{dial(t, server.Addr(), func(c *api.Config) { transport = c.Transport }), "web"}
	i, r := pair(t, o.Client, o.service, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := watch(ctx, i)
	sees(t, events, "{}")
	in := sd.Instance{ID: "a", Addr: "h.example:80"}
	for range 10 {
		transport.CloseIdleConnections()
		registration, err := r.Register(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		transport.CloseIdleConnections()
		sees(t, events, "{a}")
		if err := registration.Deregister(ctx); err != nil {
			t.Fatal(err)
		}
		sees(t, events, "{}")
	}
}

var errClosed = errors.New("the transport is closed")

// TestClosedTransport: a transport of the user's that has ended says so, in errors, and
// what needs it ends within its context and leaves nothing.
func TestClosedTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a agent
		var closed atomic.Bool
		entries := newCatalog(list(entry("a", "h", "80")))
		c := client(t, raw(func(r *http.Request) (*http.Response, error) {
			switch {
			case closed.Load():
				return nil, errClosed
			case little(r):
				return entries.question()
			case r.URL.Path == "/v1/health/service/web":
				return entries.serve(r)
			}
			return a.RoundTrip(r)
		}))
		i, r := pair(t, c, "web", nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := watch(ctx, i)
		if e := <-events; show(e) != "{a}" {
			t.Fatalf("it yields %s", show(e))
		}
		in := sd.Instance{ID: "a", Addr: "h.example:80"}
		registration, err := r.Register(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		closed.Store(true)
		start := time.Now()
		if e := <-events; !errors.Is(e.err, errClosed) || time.Since(start) > 10*time.Second {
			t.Errorf("after %v it yields %s; want the error of the transport within 10s", time.Since(start), show(e))
		}
		for what, f := range map[string]func(context.Context) error{
			"Register": func(ctx context.Context) error {
				_, err := r.Register(ctx, sd.Instance{Addr: "h.example:81"})
				return err
			},
			"Update": func(ctx context.Context) error { return registration.Update(ctx, in) },
		} {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			start := time.Now()
			if err := f(ctx); !errors.Is(err, errClosed) || time.Since(start) > 8*time.Second {
				t.Errorf("after %v %s returns %v; want the error of the transport", time.Since(start), what, err)
			}
			cancel()
		}
		start = time.Now()
		if err := registration.Deregister(context.Background()); !errors.Is(err, errClosed) || time.Since(start) > 10*time.Second {
			t.Errorf("after %v Deregister returns %v; want the error of the transport", time.Since(start), err)
		}
		cancel()
		for e := range events {
			if e.err == nil {
				t.Errorf("it yields %s", show(e))
			}
		}
	})
}
