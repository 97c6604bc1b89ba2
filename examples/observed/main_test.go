package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dowelkit/dowel/examples/internal/output"
	"github.com/dowelkit/dowel/internal/testserver"
)

func TestObservedShowsOneRequestOnAllHops(t *testing.T) {
	var out, logged bytes.Buffer
	if err := run(t.Context(), &out, settings{requests: 60, verbose: &logged}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	// The tree: the roots first, and whoever serves is below who calls.
	at := 0
	for _, want := range []string{
		`60 requests in \S+ s, 0 failures`,
		`\n    call front/Buy +\d+\.\d ms ▕━+ *▏ .*OK`,
		`\n      front-\d serves front/Buy `,
		`\n        call orders/Place .*`,
		`\n {10}call orders/Place .* at orders-\d`,
		`\n {12}orders-\d serves orders/Place `,
		`call payments/Charge .* at payments-\d`,
		`payments-\d serves payments/Charge `,
		`request_id     = [0-9a-f]{32}\n`,
		`correlation_id = basket-\d+\n`,
		`trace_id       = [0-9a-f]{32}\n`,
		`front-\d +INFO   somebody buys`,
		`payments-\d +INFO   the money is taken`,
		`front-\d +INFO   call  method=front/Buy  code=ok`,
	} {
		found := regexp.MustCompile(want).FindIndex(out.Bytes()[at:])
		if found == nil {
			t.Fatalf("no %s, or not in its place, in\n%s", want, &out)
		}
		at += found[0]
	}
	// Below one another: the bars, and what the records say after the server and the level.
	for _, column := range []string{`(?m)^    .*▕`, `(?m)^    [\d:.]{12}  \S+ +[A-Z]+ +`} {
		lines := regexp.MustCompile(column).FindAllString(out.String(), -1)
		for _, line := range lines {
			if utf8.RuneCountInString(line) != utf8.RuneCountInString(lines[0]) {
				t.Errorf("%q is not as wide as %q", line, lines[0])
			}
		}
	}
	for _, trouble := range []string{"attempt 2", "✗|CANCELLED"} {
		if !regexp.MustCompile(trouble).Match(out.Bytes()) {
			t.Errorf("no trouble was met, %q is missing:\n%s", trouble, &out)
		}
	}
	if n := sum(t, out.String(), `front-\d +rpc_server_call_duration_seconds_count\{.*"OK".*\} (\d+)`); n != 60 {
		t.Errorf("the metrics of front have %d calls, want 60:\n%s", n, &out)
	}
	if n := sum(t, out.String(), `orders-\d +dowel_retry_attempts_total\{.*\} (\d+)`); n == 0 {
		t.Errorf("the metrics of orders have no retries:\n%s", &out)
	}
	if n := bytes.Count(logged.Bytes(), []byte("somebody buys")); n != 60 {
		t.Errorf("%d records of 60 requests", n)
	}
}

// sum adds up what the pattern's group has found.
func sum(t *testing.T, text, pattern string) (sum int) {
	t.Helper()
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// A Collector is sent all of it, by both protocols.
func TestObservedTellsACollector(t *testing.T) {
	for name, with := range map[string]func(*settings, *testserver.Collector){
		"OTLP":   func(s *settings, c *testserver.Collector) { s.otlp = c.OTLP() },
		"Zipkin": func(s *settings, c *testserver.Collector) { s.zipkin = c.Zipkin() },
	} {
		t.Run(name, func(t *testing.T) {
			collector := testserver.NewCollector(t)
			s := settings{requests: 10}
			with(&s, collector)
			if err := run(t.Context(), io.Discard, s); err != nil {
				t.Fatal(err)
			}
			var served []string
			for n := 10 * 8; len(served) < 10; n++ { // some are hedged or tried again, and have more
				served = nil
				for _, s := range collector.Spans(n) {
					if s.Kind == "server" && s.Name == "front/Buy" {
						served = append(served, s.TraceID)
					}
				}
			}
			slices.Sort(served)
			if len(served) != 10 || len(slices.Compact(served)) != 10 {
				t.Errorf("front served %d requests of %d traces, want 10 each", len(served), len(slices.Compact(served)))
			}
			if name == "OTLP" {
				collector.Points(func(points []testserver.Point) bool {
					var calls int64
					for _, p := range points {
						if p.Name == "rpc.server.call.duration" && p.Service == "front" {
							calls += p.Count
						}
					}
					return calls == 10
				})
			}
		})
	}
}

func TestObservedGoesOnServing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out output.Buffer
	done := make(chan error, 1)
	go func() { done <- run(ctx, &out, settings{requests: 5, serve: true}) }()
	url := regexp.MustCompile(`curl (http://\S+/metrics)`)
	for end := time.Now().Add(time.Minute); !url.MatchString(out.String()); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-done:
			t.Fatalf("it ended: %v\n%s", err, out.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("nowhere to look:\n%s", out.String())
		}
	}
	address := url.FindStringSubmatch(out.String())[1]
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(page), "dowel_client_active_calls") {
		t.Errorf("%s: %s, %v\n%s", address, resp.Status, err, page)
	}
	if !strings.Contains(out.String(), "targets: [127.0.0.1:") {
		t.Errorf("no addresses for Prometheus:\n%s", out.String())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
