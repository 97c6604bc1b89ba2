package lb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
)

// A minute in which one of five instances refuses or hangs, seen by a caller with a
// call each 10 ms: what it costs, and that the instance is back soon afterwards.
func TestEjectThroughAnOutage(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"refuses": func(context.Context) error { return &endpoint.Error{Code: endpoint.Unavailable} },
		"hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				served := map[string]time.Duration{} // the last call of each
				e, _ := endpointer(t, instances(5), func(ctx context.Context, id, _ string) (string, error) {
					at := time.Since(began)
					if id == "i0003" && at >= 10*time.Second && at < 70*time.Second {
						return "", fail(ctx)
					}
					served[id] = at
					return id, nil
				})
				call := lb.Endpoint(lb.New(e, lb.Eject(lb.LeastRequest())), (*client).Call)
				call = endpoint.Timeout(call, 100*time.Millisecond)
				failed, back := 0, time.Duration(0)
				for time.Since(began) < 200*time.Second {
					if _, err := call(t.Context(), ""); err != nil {
						failed++
					}
					if at := served["i0003"]; back == 0 && at >= 70*time.Second {
						back = at
					}
					time.Sleep(10 * time.Millisecond)
				}
				// A run of 5, and the probes: after 15 to 30 s, 30 to 60, and 45 to 90.
				if failed < 5 || failed > 8 {
					t.Errorf("%d calls failed, want 5 and the probes", failed)
				}
				// At worst the second probe was the last to fail.
				if back == 0 || back > (70+90+1)*time.Second {
					t.Errorf("it was back at %v", back)
				}
				for id, at := range served {
					if at < 199*time.Second {
						t.Errorf("%s served last at %v", id, at)
					}
				}
			})
		})
	}
}
