// Observed starts three services in a chain, two HTTP servers each, on loopback ports,
// sends them some load, and shows what they tell of it: the tree of spans of one
// request, that request's log on all hops, and the metrics that Prometheus would
// scrape. One server is slow at times and another refuses at times, so that there are
// hedges and retries to be seen.
//
//	go run ./examples/observed [-serve] [-v] [-n REQUESTS] [-otlp URL] [-zipkin URL]
//
// Read service.go, observer.go, client.go and this file, in this order: the first knows
// nothing of the others.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
)

type settings struct {
	requests     int
	serve        bool
	otlp, zipkin string
	verbose      io.Writer // or nil
}

func main() {
	var s settings
	flag.IntVar(&s.requests, "n", 200, "the `number` of requests, a hundred a second")
	flag.BoolVar(&s.serve, "serve", false, "go on with some load afterwards, to look around")
	flag.StringVar(&s.otlp, "otlp", "", "send spans and metrics to an OpenTelemetry Collector too, such as http://localhost:4318 (over HTTP)")
	flag.StringVar(&s.zipkin, "zipkin", "", "send spans to a Zipkin server too, such as http://localhost:9411")
	verbose := flag.Bool("v", false, "write the log to standard error")
	flag.Parse()
	if *verbose {
		s.verbose = os.Stderr
	}
	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	if err := run(ctx, os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "observed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, s settings) (err error) {
	spans, journal := new(Collector), &Journal{Also: s.verbose}
	fleet := &Fleet{
		sinks:    Sinks{Spans: spans, Journal: journal, OTLP: s.otlp, Zipkin: s.zipkin},
		registry: memory.NewRegistry(),
	}
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	if err := start(ctx, fleet); err != nil {
		return err
	}
	fmt.Fprintln(out, "three services, each of them calls the next:")
	fmt.Fprintln(out)
	for _, in := range fleet.instances {
		fmt.Fprintf(out, "    %-10s  http://%s\n", in.Name, in.Addr)
	}

	// A user is a client like any other, whose spans are the roots.
	user, err := fleet.Observer(ctx, "user", "user")
	if err != nil {
		return err
	}
	buy, err := fleet.Discover(ctx, user, "front/Buy")
	if err != nil {
		return err
	}
	began := time.Now()
	failed, fault := load(ctx, buy, s.requests, 10*time.Millisecond)
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d requests in %.1f s, %d failures seen by users\n", s.requests, time.Since(began).Seconds(), failed)

	// What they tell.
	id := spans.Richest()
	fmt.Fprintf(out, "\nthe spans of one request, on all hops:\n\n")
	Draw(out, spans.Trace(id))
	fmt.Fprintf(out, "\nits log, on all hops:\n\n")
	Print(out, journal.Of(id.String()))
	fmt.Fprintf(out, "\nsome of what Prometheus would scrape:\n\n")
	if err := printMetrics(ctx, out, fleet.instances); err != nil {
		return err
	}
	if s.serve {
		printHowToLook(out, fleet.instances)
		load(ctx, buy, -1, 200*time.Millisecond)
	}
	if failed > 0 {
		return fmt.Errorf("%d requests failed, one with: %w", failed, fault)
	}
	return nil
}

// start starts two instances of each service, those that are called first.
func start(ctx context.Context, fleet *Fleet) error {
	type built = endpoint.Endpoint[Order, Receipt] // an alias, to keep the lines short
	for _, in := range []struct {
		name   string
		refuse func() bool
	}{{"payments-1", never}, {"payments-2", every(4)}} {
		if err := fleet.Start(ctx, in.name, "payments/Charge", func(o *Observer) (built, error) {
			return Payments{o.Logger, in.refuse}.Charge, nil
		}); err != nil {
			return err
		}
	}
	for _, in := range []struct {
		name string
		slow func() bool
	}{{"orders-1", never}, {"orders-2", every(5)}} {
		if err := fleet.Start(ctx, in.name, "orders/Place", func(o *Observer) (built, error) {
			charge, err := fleet.Discover(ctx, o, "payments/Charge")
			attempts := new(lb.Attempts)
			metrics.Retries(attempts, "payments", o.metrics)
			charge = called(o, lb.Retry(charge, lb.RetryCountIn(attempts)), "payments/Charge")
			return Orders{o.Logger, charge, in.slow}.Place, err
		}); err != nil {
			return err
		}
	}
	for _, name := range []string{"front-1", "front-2"} {
		if err := fleet.Start(ctx, name, "front/Buy", func(o *Observer) (built, error) {
			place, err := fleet.Discover(ctx, o, "orders/Place")
			attempts := new(lb.Attempts)
			metrics.Retries(attempts, "orders", o.metrics)
			hedged := lb.Hedge(place, lb.HedgeAfter(50*time.Millisecond), lb.HedgeCountIn(attempts))
			place = called(o, hedged, "orders/Place")
			return Front{o.Logger, place}.Buy, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// load makes n requests, or as many as there is time for if n is negative, one every
// so often. It returns how many failed, and why one did.
func load(ctx context.Context, buy endpoint.Endpoint[Order, Receipt], n int, often time.Duration) (failed int64, fault error) {
	var failures atomic.Int64
	var first sync.Once
	var users sync.WaitGroup
	tick := time.NewTicker(often)
	defer tick.Stop()
	for i := 0; i != n && ctx.Err() == nil; i++ {
		users.Go(func() {
			// Whatever larger thing the request is part of: it goes along to every hop.
			ctx := call.With(ctx, call.CorrelationID(fmt.Sprintf("basket-%d", i)))
			if _, err := buy(ctx, Order{Item: "cup of tea", Cents: 250 + i}); err != nil && ctx.Err() == nil {
				failures.Add(1)
				first.Do(func() { fault = err })
			}
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	users.Wait()
	return failures.Load(), fault
}
