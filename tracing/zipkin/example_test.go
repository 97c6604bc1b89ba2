package zipkin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dowelkit/dowel/tracing"
	"github.com/dowelkit/dowel/tracing/zipkin"
)

type Orders struct{}

func (Orders) Place(_ context.Context, what string) (string, error) { return "placed: " + what, nil }

// pretend stands for a Zipkin server.
func pretend() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Method, r.URL.Path, strings.Count(string(body), `"name":"orders/Place"`), "span")
		w.WriteHeader(http.StatusAccepted)
	}))
}

func ExampleNewProvider() {
	server := pretend()
	defer server.Close()

	provider, err := zipkin.NewProvider(server.URL, "orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	place := tracing.Server(Orders{}.Place, "orders/Place", tracing.Provider(provider))
	fmt.Println(place(context.Background(), "tea"))
	fmt.Println(provider.Shutdown(context.Background()))
	// Output:
	// placed: tea <nil>
	// POST /api/v2/spans 1 span
	// <nil>
}

// A provider of your own, which samples a tenth of the traces that begin here.
func ExampleNewExporter() {
	exporter, err := zipkin.NewExporter("https://zipkin.example:9411/api/v2/spans", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(0.1))))
	place := tracing.Server(Orders{}.Place, "orders/Place", tracing.Provider(provider))
	_ = place // serve it
	fmt.Println(provider.Shutdown(context.Background()))
	// Output:
	// <nil>
}
