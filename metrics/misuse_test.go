package metrics_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
)

func TestMisusePanicsWithAllFaults(t *testing.T) {
	var none endpoint.Endpoint[string, string]
	wrong := []metrics.Option{nil, metrics.Provider(nil), metrics.Attributes(attribute.String("", "nameless"))}
	faults := "next is nil; the name is empty; option 1 is nil; the provider is nil; the attribute \"\" is not valid"
	for _, tt := range []struct {
		want string
		run  func()
	}{
		{"metrics: Server: " + faults, func() { metrics.Server(none, "", wrong...) }},
		{"metrics: Client: " + faults, func() { metrics.Client(none, "", wrong...) }},
		{"metrics: Attempt: " + faults, func() { metrics.Attempt(none, "", wrong...) }},
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
