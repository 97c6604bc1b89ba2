package httpkit_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// A hook may give a request another context, or make another request with none; the
// call ends in time all the same.
func TestClientBoundsHoldWhateverHooksDo(t *testing.T) {
	released := make(chan struct{})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-released:
		}
	})
	t.Cleanup(func() { close(released) })
	hooks := map[string]func(*http.Request) (*http.Request, error){
		"a detached context": func(r *http.Request) (*http.Request, error) {
			return r.WithContext(context.WithoutCancel(r.Context())), nil
		},
		"another request": func(r *http.Request) (*http.Request, error) {
			return http.NewRequest(r.Method, r.URL.String(), nil)
		},
	}
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			call := func(ctx context.Context, pattern string, opts ...httpkit.ClientOption) error {
				c := dial(t, base, append(opts, httpkit.ClientBefore(hook))...)
				e := httpkit.NewCodecEndpoint(c, pattern, httpkit.EncodeJSONRequest[struct{}],
					func(*http.Response) (string, error) { return "done", nil })
				done := make(chan error, 1)
				go func() {
					_, err := e(ctx, struct{}{})
					done <- err
				}()
				select {
				case err := <-done:
					return err
				case <-time.After(20 * time.Second):
					t.Fatal("the call does not end")
					return nil
				}
			}
			err := call(t.Context(), "POST /x", httpkit.ClientTimeout(20*time.Millisecond))
			if endpoint.CodeOf(err) != endpoint.DeadlineExceeded {
				t.Errorf("the time is over: got %v", err)
			}
			for _, timeout := range []time.Duration{0, time.Hour} {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(20*time.Millisecond, cancel)
				err := call(ctx, "POST /x", httpkit.ClientTimeout(timeout))
				if endpoint.CodeOf(err) != endpoint.Canceled {
					t.Errorf("the caller has given up: got %v", err)
				}
			}
			// And a body that trickles is not waited for.
			if err := call(t.Context(), "PUT /x", httpkit.ClientTimeout(time.Hour)); err != nil {
				t.Errorf("an answer: got %v", err)
			}
		})
	}
}
