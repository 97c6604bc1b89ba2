// Quickstart starts three HTTP servers of one small service on loopback ports,
// registers them in a registry in memory, and sends every line of a file through
// two typed endpoints of a client that discovers, balances, retries, breaks and
// limits. Meanwhile one server is killed, one turns slow, one starts failing and
// one joins. The caller should see no failure.
//
//	go run ./examples/quickstart [-in FILE] [-v] [-serve]
//
// Read service.go, server.go, client.go and this file, in this order.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/ratelimit"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/transport"
)

func main() {
	in := flag.String("in", "README.md", "the `file` whose lines are sent")
	verbose := flag.Bool("v", false, "log every call on both sides to standard error")
	serve := flag.Bool("serve", false, "go on serving afterwards, to play with curl")
	flag.Parse()

	ctx, stop := transport.SignalContext(context.Background())
	defer stop()
	if err := run(ctx, os.Stdout, *in, *verbose, *serve); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// about is how long the whole run should take.
const about = 6 * time.Second

func run(ctx context.Context, out io.Writer, file string, verbose, serve bool) (err error) {
	lines, cut, err := readLines(file)
	if err != nil {
		return err
	}
	level := slog.LevelError + 1 // the failures on the way are part of the show
	if verbose {
		level = slog.LevelInfo
	}
	logger := log.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))

	// The service: three servers, registered where clients find them.
	registry := memory.NewRegistry()
	fleet := &Fleet{registry: registry, logger: logger, out: out, began: time.Now()}
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	for _, name := range []string{"a", "b", "c"} {
		if err := fleet.Join(name); err != nil {
			return err
		}
	}

	// The client: discover -> one client per live instance -> balance -> call.
	tally := new(Tally)
	clients := sd.NewEndpointer(registry.Instancer(serviceName), Dialer(tally))
	defer clients.Close()
	if err := clients.Ready(ctx); err != nil {
		return err
	}
	balancer := lb.New(clients, lb.LeastRequest())
	budget := lb.NewBudget() // shared: both methods load the same servers
	uppercase := resilient(lb.Endpoint(balancer, (*Client).Uppercase), budget, tally)
	count := resilient(lb.Endpoint(balancer, (*Client).Count), budget, tally)

	// Our own rate, shared by both endpoints, spreads the calls over the run.
	perSecond := rate.Limit(float64(2*len(lines)) / about.Seconds())
	limiter := ratelimit.NewQueue(rate.NewLimiter(perSecond, 10))
	uppercase = log.Calls(ratelimit.Wait(uppercase, limiter), logger, "uppercase")
	count = log.Calls(ratelimit.Wait(count, limiter), logger, "count")

	part := ""
	if cut {
		part = "the first "
	}
	fleet.Say("%s%d lines of %s, two calls each", part, len(lines), file)
	send(ctx, lines, tally, uppercase, count, fleet.Troubles(2*len(lines)))
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	tally.Print(out, fleet.servers)
	if serve {
		fleet.Serve(ctx)
	}
	if n, m := tally.Failures.Load(), tally.Wrong.Load(); n+m > 0 {
		return fmt.Errorf("%d calls failed and %d answers were wrong", n, m)
	}
	return nil
}

// send calls both endpoints with each line from a few goroutines and checks the
// answers. progress is told how many calls were made.
func send(
	ctx context.Context, lines []string, tally *Tally,
	uppercase endpoint.Endpoint[UppercaseRequest, UppercaseResponse],
	count endpoint.Endpoint[CountRequest, CountResponse],
	progress func(calls int64),
) {
	next := make(chan string)
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for line := range next {
				upper, err := uppercase(ctx, UppercaseRequest{Text: line})
				if line == "" && errors.Is(err, ErrEmpty) {
					err = nil // the right answer: a typed error, across the wire
				}
				tally.note(err, upper.Text == strings.ToUpper(line))
				progress(tally.Calls.Load())

				n, err := count(ctx, CountRequest{Text: line})
				tally.note(err, n.Characters == utf8.RuneCountInString(line))
				progress(tally.Calls.Load())
			}
		})
	}
	for _, line := range lines {
		if ctx.Err() != nil {
			break
		}
		next <- line
	}
	close(next)
	callers.Wait()
}

func (t *Tally) note(err error, right bool) {
	t.Calls.Add(1)
	switch {
	case err != nil:
		t.Failures.Add(1)
		fmt.Fprintln(os.Stderr, "a call failed:", err)
	case !right:
		t.Wrong.Add(1)
	}
}

// These keep the run short, whatever the file.
const (
	maxLines = 5_000
	maxBytes = 16 << 20
)

// readLines also tells whether it has left lines out.
func readLines(file string) (lines []string, cut bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 256<<10)
	for size := 0; len(lines) < maxLines && size < maxBytes && scanner.Scan(); size += len(scanner.Bytes()) {
		// JSON carries text and nothing else.
		lines = append(lines, strings.ToValidUTF8(scanner.Text(), "\uFFFD"))
	}
	if err := scanner.Err(); err != nil {
		return nil, false, fmt.Errorf("line %d of %s: %w", len(lines)+1, file, err)
	}
	if len(lines) == 0 {
		return nil, false, fmt.Errorf("%s has no lines", file)
	}
	return lines, scanner.Scan(), nil
}
