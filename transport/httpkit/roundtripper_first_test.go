package httpkit_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/transport/httpkit"
)

// late is an Instancer that says after a second what it knows.
type late struct {
	set []*sd.Instance
	err error
}

func (l late) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		select {
		case <-time.After(time.Second):
			yield(l.set, l.err)
			<-ctx.Done()
		case <-ctx.Done():
		}
	}
}

// silent never says anything.
type silent struct{}

func (silent) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(func([]*sd.Instance, error) bool) { <-ctx.Done() }
}

// echoes answers each request with the address that it went to.
type echoes struct{}

func (echoes) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(r.URL.Host)), Request: r}, nil
}

// A first request waits for the instances as for a connection, and for no longer than it
// takes to know that there are none.
func TestRoundTripperWaitsForTheFirstSet(t *testing.T) {
	outage := errors.New("outage")
	known := sd.NextSet(nil, []sd.Instance{{Addr: "a:80"}})
	for name, tt := range map[string]struct {
		instances sd.Instancer
		timeout   time.Duration // 0 for none
		took      time.Duration
		code      endpoint.Code
		cause     error
		next      error // of a request a second after that
	}{
		"it comes":         {late{set: known}, 0, time.Second, endpoint.OK, nil, nil},
		"it comes in time": {late{set: known}, 2 * time.Second, time.Second, endpoint.OK, nil, nil},
		"too late":         {late{set: known}, time.Second / 2, time.Second / 2, endpoint.DeadlineExceeded, context.DeadlineExceeded, nil},
		"it is empty":      {late{}, 0, time.Second, endpoint.Unavailable, lb.ErrNoInstance, lb.ErrNoInstance},
		"the watch fails":  {late{err: outage}, 0, 4 * time.Second, endpoint.Unavailable, outage, outage},
		"nothing comes":    {silent{}, 0, 10 * time.Second, endpoint.Unavailable, lb.ErrNoInstance, lb.ErrNoInstance},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt := httpkit.NewRoundTripper(httpkit.Service("s", tt.instances, lb.Random()), httpkit.Base(echoes{}))
				defer rt.Close()
				get := func() error {
					ctx, cancel := context.WithCancel(t.Context())
					if tt.timeout > 0 {
						ctx, cancel = context.WithTimeout(t.Context(), tt.timeout)
					}
					defer cancel()
					r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://s/", nil)
					resp, err := rt.RoundTrip(r)
					if err == nil {
						_ = resp.Body.Close()
					}
					return err
				}
				start := time.Now()
				err := get()
				if took := time.Since(start); took != tt.took || endpoint.CodeOf(err) != tt.code || !errors.Is(err, tt.cause) {
					t.Errorf("after %v: %v", took, err)
				}
				if err != nil && (!endpoint.IsNotProcessed(err) || !endpoint.IsLocal(err)) {
					t.Errorf("it may have been processed: %#v", err)
				}
				time.Sleep(time.Second)
				start = time.Now()
				if err = get(); time.Since(start) > 0 || !errors.Is(err, tt.next) {
					t.Errorf("the next takes %v: %v", time.Since(start), err)
				}
			})
		})
	}
}
