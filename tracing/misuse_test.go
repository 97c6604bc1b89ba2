package tracing_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/tracing"
)

func TestMisusePanicsWithAllFaults(t *testing.T) {
	var none endpoint.Endpoint[string, string]
	wrong := []tracing.Option{
		nil, tracing.Provider(nil), tracing.Propagator(nil), tracing.Instance(nil), tracing.ErrorText(nil),
		tracing.Attributes(attribute.String("", "nameless")),
	}
	faults := "next is nil; the name is empty; option 1 is nil; the provider is nil; the propagator is nil; " +
		"the instance is nil; the function for texts of errors is nil; the attribute \"\" is not valid"
	for _, tt := range []struct {
		want string
		run  func()
	}{
		{"tracing: Server: " + faults, func() { tracing.Server(none, "", wrong...) }},
		{"tracing: Client: " + faults, func() { tracing.Client(none, "", wrong...) }},
		{"tracing: Headers: the propagator is nil", func() { tracing.Headers(nil) }},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != tt.want {
					t.Errorf("panic\n%s\nwant\n%s", got, tt.want)
				}
			}()
			tt.run()
		}()
	}
}
