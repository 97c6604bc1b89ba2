package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/log"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/static"
	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// printed is a provider that prints each span when it ends, with the attributes of
// these names.
func printed(names ...attribute.Key) tracing.Option {
	return tracing.Provider(sdk.NewTracerProvider(sdk.WithSyncer(printer(names))))
}

type printer []attribute.Key

func (p printer) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, s := range tracetest.SpanStubsFromReadOnlySpans(spans) {
		fmt.Print(s.SpanKind, " ", s.Name)
		attrs := attributes(s.Attributes)
		for _, name := range p {
			if v, ok := attrs[name]; ok {
				fmt.Printf(" %s=%v", name, v)
			}
		}
		fmt.Println()
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

type Shop struct{}

func (Shop) Buy(_ context.Context, what string) (string, error) {
	if what == "unicorn" {
		return "", &endpoint.Error{Code: endpoint.NotFound, Reason: "NO_SUCH_THING"}
	}
	return "one " + what, nil
}

func ExampleServer() {
	buy := tracing.Server(Shop{}.Buy, "shop/Buy", printed("rpc.method", "rpc.response.status_code"))

	_, _ = buy(context.Background(), "horse")
	_, _ = buy(context.Background(), "unicorn")
	// Output:
	// server shop/Buy rpc.method=shop/Buy rpc.response.status_code=OK
	// server shop/Buy rpc.method=shop/Buy rpc.response.status_code=NOT_FOUND
}

// A span for the call, and below it one for each attempt.
func ExampleClient() {
	with := printed(tracing.InstanceKey, tracing.AttemptKey, tracing.AttemptsKey, "rpc.response.status_code")
	shops, err := static.NewInstancer(sd.Instance{Addr: "10.0.0.1:80"})
	if err != nil {
		fmt.Println(err)
		return
	}
	clients := sd.NewEndpointer(shops, func(_ context.Context, in *sd.Instance) (Flaky, error) {
		return Flaky{new(int)}, nil // stands for a client of in.Addr
	})
	defer clients.Close()
	if err := clients.Ready(context.Background()); err != nil {
		fmt.Println(err)
		return
	}

	buy := lb.Endpoint(lb.New(clients, lb.RoundRobin()), Flaky.Buy)
	buy = tracing.Client(buy, "shop/Buy", with)
	buy = lb.Retry(buy)
	buy = tracing.Client(buy, "shop/Buy", with)
	_, _ = buy(context.Background(), "horse")
	// Output:
	// client shop/Buy dowel.instance=10.0.0.1:80 rpc.response.status_code=UNAVAILABLE
	// client shop/Buy dowel.instance=10.0.0.1:80 dowel.attempt=2 rpc.response.status_code=OK
	// client shop/Buy dowel.instance=10.0.0.1:80 dowel.attempts=2 rpc.response.status_code=OK
}

// Flaky is a client whose first call fails.
type Flaky struct{ calls *int }

func (f Flaky) Buy(_ context.Context, what string) (string, error) {
	if *f.calls++; *f.calls == 1 {
		return "", &endpoint.Error{Code: endpoint.Unavailable, NotProcessed: true}
	}
	return "one " + what, nil
}

// In the function that dials, the instance of a span is known from the start.
func ExampleInstance() {
	dial := func(_ context.Context, in *sd.Instance) (endpoint.Endpoint[string, string], error) {
		with := printed(tracing.InstanceKey, "server.address", "server.port")
		return tracing.Client(Shop{}.Buy, "shop/Buy", with, tracing.Instance(in)), nil
	}
	buy, _ := dial(context.Background(), &sd.Instance{ID: "shop-1", Addr: "10.0.0.1:80"})
	_, _ = buy(context.Background(), "horse")
	// Output:
	// client shop/Buy dowel.instance=shop-1 server.address=10.0.0.1 server.port=80
}

func ExampleAttributes() {
	buy := tracing.Server(Shop{}.Buy, "shop/Buy", printed("team"), tracing.Attributes(attribute.String("team", "stables")))
	_, _ = buy(context.Background(), "horse")
	// Output:
	// server shop/Buy team=stables
}

// Of an error the code is traced, and its text only if somebody says so.
func ExampleErrorText() {
	public := func(err error) string { return endpoint.Public(err).Message }
	provider := sdk.NewTracerProvider(sdk.WithSyncer(statuses{}))
	login := tracing.Server(func(context.Context, string) (string, error) {
		return "", &endpoint.Error{Code: endpoint.Unavailable, Err: errors.New("db: password hunter2 refused")}
	}, "users/Login", tracing.Provider(provider), tracing.ErrorText(public))
	_, _ = login(context.Background(), "ada")
	// Output:
	// users/Login Error: the service is not available
}

type statuses struct{ printer }

func (statuses) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Printf("%s %v: %s\n", s.Name(), s.Status().Code, s.Status().Description)
	}
	return nil
}

// B3, for a fleet that Zipkin's own libraries trace.
func ExamplePropagator() {
	p := b3.New() // or b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader))
	with := []tracing.Option{printed(), tracing.Propagator(p)}
	buy := tracing.Server(Shop{}.Buy, "shop/Buy", with...)
	handler := httpkit.NewHandler(buy, httpkit.DecodeJSON, httpkit.EncodeJSON, httpkit.Allow(tracing.Headers(p)...))

	server := httptest.NewServer(handler)
	defer server.Close()
	client, err := httpkit.NewClient(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	remote := tracing.Client(httpkit.NewEndpoint[string, string](client, "POST /"), "shop/Buy", with...)
	fmt.Println(remote(context.Background(), "horse"))
	// Output:
	// server shop/Buy
	// client shop/Buy
	// one horse <nil>
}

func ExampleHeaders() {
	for _, key := range tracing.Headers(b3.New()) {
		fmt.Println(http.CanonicalHeaderKey(key))
	}
	// Output:
	// B3
	// X-B3-Flags
	// X-B3-Parentspanid
	// X-B3-Sampled
	// X-B3-Spanid
	// X-B3-Traceid
}

func ExampleLogAttrs() {
	steady := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, log.DurationKey:
			return slog.Attr{}
		case tracing.TraceIDKey, tracing.SpanIDKey:
			return slog.Int(a.Key+"_digits", len(a.Value.String()))
		}
		return a
	}}
	logger := slog.New(log.NewHandler(slog.NewTextHandler(os.Stdout, steady), tracing.LogAttrs))
	provider := sdk.NewTracerProvider()

	buy := log.Calls(Shop{}.Buy, logger, "shop/Buy")
	buy = tracing.Server(buy, "shop/Buy", tracing.Provider(provider)) // outside of what logs
	_, _ = buy(context.Background(), "horse")
	// Output:
	// level=INFO msg=call method=shop/Buy code=ok trace_id_digits=32 span_id_digits=16
}
