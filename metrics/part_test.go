package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/metrics"
	"github.com/dowelkit/dowel/sd"
	"github.com/dowelkit/dowel/sd/memory"
	"github.com/dowelkit/dowel/sd/static"
)

// endpointer returns one whose clients are the IDs of the instances, and a balancer.
func endpointer(t testing.TB, source sd.Instancer, strategy lb.Strategy) (*sd.Endpointer[string], *lb.Balancer[string]) {
	t.Helper()
	e := sd.NewEndpointer(source, func(_ context.Context, in *sd.Instance) (string, error) { return in.ID, nil })
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for s := e.Status(); s.Live < s.Instances; s = e.Status() { // on a busy machine
		time.Sleep(time.Millisecond)
	}
	return e, lb.New(e, strategy)
}

func list(t testing.TB, addrs ...string) sd.Instancer {
	t.Helper()
	var all []sd.Instance
	for _, addr := range addrs {
		all = append(all, sd.Instance{Addr: addr})
	}
	source, err := static.NewInstancer(all...)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// calls makes n calls with that outcome.
func calls(t testing.TB, b *lb.Balancer[string], n int, err error) {
	t.Helper()
	for range n {
		lease, none := b.Pick(t.Context())
		if none != nil {
			t.Fatal(none)
		}
		lease.Done(t.Context(), err)
	}
}

func TestBalancer(t *testing.T) {
	m := newMeter(t)
	_, b := endpointer(t, list(t, "a:1", "b:1"), lb.Eject(lb.RoundRobin(), lb.EjectFaults(2), lb.MaxEjected(0.5)))
	metrics.Balancer(b, "orders", m.with)
	calls(t, b, 6, nil)
	open, err := b.Pick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.want("dowel.balancer.picks", "dowel.name=orders: 7")
	m.want("dowel.balancer.active_calls", "dowel.name=orders: 1")
	m.want("dowel.balancer.ejected_instances", "dowel.name=orders,dowel.reason=consecutive_faults: 0",
		"dowel.name=orders,dowel.reason=failed_probe: 0", "dowel.name=orders,dowel.reason=low_success_rate: 0")
	on := map[string]int{"a:1": 3, "b:1": 3}
	on[open.Instance().ID]++
	m.want("dowel.balancer.instance.picks", fmt.Sprintf("dowel.instance=a:1,dowel.name=orders: %d", on["a:1"]),
		fmt.Sprintf("dowel.instance=b:1,dowel.name=orders: %d", on["b:1"]))
	m.want("dowel.balancer.instance.active_calls", fmt.Sprintf("dowel.instance=a:1,dowel.name=orders: %d", on["a:1"]-3),
		fmt.Sprintf("dowel.instance=b:1,dowel.name=orders: %d", on["b:1"]-3))

	open.Done(t.Context(), nil)
	calls(t, b, 4, &endpoint.Error{Code: endpoint.Internal}) // two each, of which one is the most
	m.want("dowel.balancer.ejected_instances", "dowel.name=orders,dowel.reason=consecutive_faults: 1",
		"dowel.name=orders,dowel.reason=failed_probe: 0", "dowel.name=orders,dowel.reason=low_success_rate: 0")
	m.want("dowel.balancer.active_calls", "dowel.name=orders: 0")
}

// The number of series has a bound, whatever the size of the set and who comes and goes.
func TestInstancesBeyondTheBoundAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		registry := memory.NewRegistry()
		set := func(addrs ...string) {
			var all []sd.Instance
			for _, addr := range addrs {
				all = append(all, sd.Instance{Addr: addr})
			}
			if err := registry.Set("orders", all...); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		set("a:1", "b:1", "c:1", "d:1")
		_, b := endpointer(t, registry.Instancer("orders"), lb.RoundRobin())
		metrics.Balancer(b, "orders", m.with, metrics.Instances(2))
		calls(t, b, 8, nil)
		m.want("dowel.balancer.instance.picks", "dowel.instance=_other,dowel.name=orders: 4",
			"dowel.instance=a:1,dowel.name=orders: 2", "dowel.instance=b:1,dowel.name=orders: 2")
		m.want("dowel.balancer.instance.active_calls", "dowel.instance=_other,dowel.name=orders: 0",
			"dowel.instance=a:1,dowel.name=orders: 0", "dowel.instance=b:1,dowel.name=orders: 0")
		set("b:1", "d:1") // the count of the others does not fall, nor does that of all
		calls(t, b, 2, nil)
		m.want("dowel.balancer.instance.picks", "dowel.instance=_other,dowel.name=orders: 5",
			"dowel.instance=b:1,dowel.name=orders: 3")
		m.want("dowel.balancer.picks", "dowel.name=orders: 10")
		set("b:1", "d:1", "e:1") // which gets the place of a
		calls(t, b, 3, nil)
		m.want("dowel.balancer.instance.picks", "dowel.instance=_other,dowel.name=orders: 6",
			"dowel.instance=b:1,dowel.name=orders: 4", "dowel.instance=e:1,dowel.name=orders: 1")
		calls(t, b, 6, nil)
		set("d:1") // what was picked since is told of the others
		m.want("dowel.balancer.instance.picks", "dowel.instance=_other,dowel.name=orders: 12")
		m.want("dowel.balancer.picks", "dowel.name=orders: 19")
	})
}

// Balancers that come and go leave one series, and no pick is lost.
func TestTheInstancesOfEndedBalancersAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		for i := range 50 {
			_, b := endpointer(t, list(t, fmt.Sprintf("a%d:1", i), fmt.Sprintf("b%d:1", i)), lb.RoundRobin())
			life, end := context.WithCancel(t.Context())
			metrics.Balancer(b, "orders", m.with, metrics.Until(life))
			calls(t, b, 2, nil)
			m.collect()
			calls(t, b, 2, nil)
			end()
			synctest.Wait()
		}
		m.want("dowel.balancer.instance.picks", "dowel.instance=_other,dowel.name=orders: 200")
		m.want("dowel.balancer.instance.active_calls")
		m.want("dowel.balancer.picks", "dowel.name=orders: 200")
	})
}

// A call that was told and then taken back is made up for by the next.
func TestPicksThatAreTakenBack(t *testing.T) {
	m := newMeter(t)
	e, b := endpointer(t, list(t, "a:1"), lb.RoundRobin())
	metrics.Balancer(b, "orders", m.with)
	want := func(n int) {
		t.Helper()
		m.want("dowel.balancer.picks", fmt.Sprintf("dowel.name=orders: %d", n))
		m.want("dowel.balancer.instance.picks", fmt.Sprintf("dowel.instance=a:1,dowel.name=orders: %d", n))
	}
	n := e.Set().Nodes()[0]
	n.Enter()
	want(1)
	n.Undo()
	want(1)
	calls(t, b, 1, nil)
	want(1)
	calls(t, b, 1, nil)
	want(2)
}

func TestNoInstances(t *testing.T) {
	m := newMeter(t)
	_, b := endpointer(t, list(t, "a:1"), lb.RoundRobin())
	metrics.Balancer(b, "orders", m.with, metrics.Instances(0))
	calls(t, b, 1, nil)
	m.want("dowel.balancer.instance.picks")
	m.want("dowel.balancer.picks", "dowel.name=orders: 1")
}

func TestEndpointer(t *testing.T) {
	const never = 1 << 62 // a delay is anything up to that, and seldom less than a minute
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		events := make(chan error)
		source := sd.InstancerFunc(func(ctx context.Context) iter.Seq2[[]*sd.Instance, error] {
			return func(yield func([]*sd.Instance, error) bool) {
				set := []*sd.Instance{{ID: "a", Addr: "a:1"}, {ID: "b", Addr: "bad:1"}}
				for {
					select {
					case err := <-events:
						if err != nil && !yield(nil, err) || err == nil && !yield(set, nil) {
							return
						}
					case <-ctx.Done():
						return
					}
				}
			}
		})
		e := sd.NewEndpointer(source, func(_ context.Context, in *sd.Instance) (string, error) {
			if in.Addr == "bad:1" {
				return "", errors.New("refused")
			}
			return "", nil
		}, sd.DialBackoff(sd.Backoff{Base: never, Cap: never}))
		defer e.Close()
		metrics.Endpointer(e, "orders", m.with)
		m.want("dowel.registry.set.age") // nobody knows yet
		events <- nil
		synctest.Wait()
		time.Sleep(90 * time.Second)
		want := func(failing, errs int, age float64) {
			t.Helper()
			m.want("dowel.registry.instances", "dowel.name=orders: 2")
			m.want("dowel.registry.live_instances", "dowel.name=orders: 1")
			m.want("dowel.registry.dial.errors", "dowel.name=orders: 1")
			m.want("dowel.registry.set.age", fmt.Sprintf("dowel.name=orders: %v", age))
			m.want("dowel.registry.failing_watches", fmt.Sprintf("dowel.name=orders: %d", failing))
			m.want("dowel.registry.watch.errors", fmt.Sprintf("dowel.name=orders: %d", errs))
		}
		want(0, 0, 90)
		events <- errors.New("the registry is down")
		synctest.Wait()
		want(1, 1, 90)
		time.Sleep(time.Second)
		events <- nil
		synctest.Wait()
		want(0, 1, 0)
	})
}
