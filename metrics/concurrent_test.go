package metrics_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/dowelkit/dowel/circuitbreaker"
	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
)

// Construction, calls and collections, all at a time; nothing is lost.
func TestConcurrentSafe(t *testing.T) {
	m := newMeter(t)
	const workers, each = 8, 200
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := range each {
				e := metrics.Server(echo, "orders/Place", m.with)
				if i%2 == 1 {
					e = metrics.Server(failing(&endpoint.Error{Code: endpoint.NotFound}), "orders/Place", m.with)
				}
				_, _ = e(t.Context(), "")
				if w == 0 && i%20 == 0 {
					m.collect()
				}
			}
		})
	}
	running.Wait()
	m.want("rpc.server.call.duration", fmt.Sprintf("%sNOT_FOUND,rpc.system.name=dowel: %d", of, workers*each/2),
		fmt.Sprintf("%sOK,rpc.system.name=dowel: %d", of, workers*each/2))
	m.want("dowel.server.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 0")
}

// Parts come, go, work and are read at a time, and no count is lost or falls.
func TestPartsConcurrentSafe(t *testing.T) {
	m := newMeter(t)
	const workers, each = 4, 50
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for range each {
				life, end := context.WithCancel(t.Context())
				c := circuitbreaker.New("x")
				c.Force(circuitbreaker.ForceOpen)
				metrics.Circuit(c, "orders", m.with, metrics.Until(life))
				_, _ = c.Allow()
				end()
			}
		})
	}
	_, b := endpointer(t, list(t, "a:1", "b:1", "c:1"), lb.Random())
	metrics.Balancer(b, "orders", m.with, metrics.Instances(2))
	running.Go(func() { calls(t, b, 1000, nil) })
	for range 50 {
		m.collect()
	}
	running.Wait()
	m.want("dowel.balancer.picks", "dowel.name=orders: 1000")
	m.want("dowel.breaker.refused_calls", fmt.Sprintf("dowel.name=orders: %d", workers*each))
}

// Nothing that a request holds becomes a series.
func TestAMillionPathsAreNoMoreSeries(t *testing.T) {
	m := newMeter(t)
	e := metrics.Server(func(_ context.Context, path string) (string, error) {
		switch len(path) % 3 {
		case 0:
			return "", &endpoint.Error{Code: endpoint.NotFound, Message: "there is no " + path}
		case 1:
			return "", fmt.Errorf("no file %s", path)
		}
		return path, nil
	}, "files/Get", m.with)
	paths := 1_000_000
	if race {
		paths = 10_000
	}
	for i := range paths {
		_, _ = e(t.Context(), fmt.Sprintf("/users/%d", i))
	}
	if n := len(m.series("rpc.server.call.duration")); n != 3 {
		t.Errorf("%d series, want one per code, 3", n)
	}
	if n := len(m.series("dowel.server.active_calls")); n != 1 {
		t.Errorf("%d series of calls in flight, want 1", n)
	}
}
