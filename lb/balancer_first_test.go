package lb_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// later is an Instancer that says after a second what it knows, if it does.
type later struct {
	set    []*sd.Instance
	err    error
	silent bool
}

func (l later) Watch(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
	return func(yield func([]*sd.Instance, error) bool) {
		select {
		case <-time.After(time.Second):
			if l.silent || yield(l.set, l.err) {
				<-ctx.Done()
			}
		case <-ctx.Done():
		}
	}
}

// A first call waits for the instances as it would for a connection, and for no longer
// than it takes to know that there are none.
func TestFirstCallsWaitForTheInstances(t *testing.T) {
	outage, refused := errors.New("outage"), errors.New("refused")
	known := instances(1)
	for name, tt := range map[string]struct {
		registry later
		dial     error
		timeout  time.Duration // 0 for none
		took     time.Duration
		code     endpoint.Code
		cause    error
	}{
		"they come":       {later{set: known}, nil, 0, 3 * time.Second, endpoint.OK, nil},
		"in time":         {later{set: known}, nil, 4 * time.Second, 3 * time.Second, endpoint.OK, nil},
		"too late":        {later{set: known}, nil, 2 * time.Second, 2 * time.Second, endpoint.DeadlineExceeded, context.DeadlineExceeded},
		"they refuse":     {later{set: known}, refused, 0, 3 * time.Second, endpoint.Unavailable, refused},
		"there are none":  {later{}, nil, 0, time.Second, endpoint.Unavailable, lb.ErrNoInstance},
		"the watch fails": {later{err: outage}, nil, 0, 4 * time.Second, endpoint.Unavailable, outage},
		"nothing is said": {later{silent: true}, nil, 0, 10 * time.Second, endpoint.Unavailable, lb.ErrNoInstance},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := sd.NewEndpointer(tt.registry, func(_ context.Context, in *sd.Instance) (*client, error) {
				time.Sleep(2 * time.Second)
				return &client{id: in.ID}, tt.dial
			}, sd.DialBackoff(sd.Backoff{Base: time.Hour, Cap: time.Hour}))
			defer e.Close()
			balancer := lb.New(e, lb.RoundRobin())
			endpointed := lb.Endpoint(balancer, (*client).Call)
			leased := func(ctx context.Context, _ string) (string, error) {
				l, err := balancer.PickOrWait(ctx)
				if err == nil {
					l.Done(ctx, nil)
				}
				return "", err
			}
			done := make(chan struct{})
			for _, call := range []func(context.Context, string) (string, error){endpointed, leased} {
				go func() {
					defer func() { done <- struct{}{} }()
					ctx, cancel := context.WithCancel(t.Context())
					if tt.timeout > 0 {
						ctx, cancel = context.WithTimeout(t.Context(), tt.timeout)
					}
					defer cancel()
					start := time.Now()
					_, err := call(ctx, "")
					if took := time.Since(start); took != tt.took || endpoint.CodeOf(err) != tt.code || !errors.Is(err, tt.cause) {
						t.Errorf("%s: after %v: %v", name, took, err)
					}
					if err != nil && (!errors.Is(err, lb.ErrNoInstance) || !endpoint.IsNotProcessed(err) || !endpoint.IsLocal(err)) {
						t.Errorf("%s: it may have been processed: %#v", name, err)
					}
				}()
			}
			<-done
			<-done
			if tt.code != endpoint.Unavailable {
				return
			}
			start := time.Now()
			if _, err := endpointed(t.Context(), ""); time.Since(start) > 0 || !errors.Is(err, tt.cause) {
				t.Errorf("%s: the next call takes %v: %v", name, time.Since(start), err)
			}
		})
	}
}
