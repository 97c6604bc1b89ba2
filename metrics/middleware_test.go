package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/metrics"
)

const of = "rpc.method=orders/Place,rpc.response.status_code="

// A dashboard depends on each of these.
func TestNamesUnitsAndBounds(t *testing.T) {
	m := newMeter(t)
	for _, e := range []endpoint.Endpoint[string, string]{
		metrics.Server(echo, "orders/Place", m.with),
		metrics.Client(echo, "orders/Place", m.with),
		metrics.Attempt(echo, "orders/Place", m.with),
	} {
		_, _ = e(t.Context(), "tea")
	}
	found := m.collect()
	for name, unit := range map[string]string{
		"rpc.server.call.duration": "s", "rpc.client.call.duration": "s", "dowel.client.attempt.duration": "s",
		"dowel.server.active_calls": "{call}", "dowel.client.active_calls": "{call}",
		"dowel.client.active_attempts": "{attempt}",
	} {
		one, ok := found[name]
		if delete(found, name); !ok || one.Unit != unit || one.Description == "" {
			t.Errorf("%s is %+v, want the unit %s and a description", name, one, unit)
		}
		switch data := one.Data.(type) {
		case metricdata.Histogram[float64]:
			bounds := []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
			if got := data.DataPoints[0].Bounds; !slices.Equal(got, bounds) {
				t.Errorf("%s has the bounds %v", name, got)
			}
		case metricdata.Sum[int64]:
			if data.IsMonotonic {
				t.Errorf("%s cannot fall", name)
			}
		}
	}
	if len(found) > 0 {
		t.Errorf("there is more: %v", found)
	}
	m.want("rpc.server.call.duration", of+"OK,rpc.system.name=dowel: 1")
	m.want("rpc.client.call.duration", of+"OK,rpc.system.name=dowel: 1")
	m.want("dowel.client.attempt.duration", of+"OK,rpc.system.name=dowel: 1")
	m.want("dowel.server.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 0")
}

func TestDurationIsInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t)
		slow := metrics.Server(func(context.Context, string) (string, error) {
			time.Sleep(1500 * time.Millisecond)
			return "", nil
		}, "orders/Place", m.with)
		_, _ = slow(t.Context(), "")
		data := m.collect()["rpc.server.call.duration"].Data.(metricdata.Histogram[float64])
		if sum := data.DataPoints[0].Sum; sum != 1.5 {
			t.Errorf("a call of 1.5 s took %v", sum)
		}
	})
}

// The codes that are errors are the conventions', which differ by side.
func TestEveryCode(t *testing.T) {
	names := []string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	ownFault := []string{"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
	for code, name := range names {
		m := newMeter(t)
		var err error
		if code > 0 {
			err = fmt.Errorf("wrapped: %w", &endpoint.Error{Code: endpoint.Code(code)})
		}
		_, _ = metrics.Server(failing(err), "orders/Place", m.with)(t.Context(), "")
		_, _ = metrics.Client(failing(err), "orders/Place", m.with)(t.Context(), "")
		fine, fault := of+name+",rpc.system.name=dowel: 1", "error.type="+name+","+of+name+",rpc.system.name=dowel: 1"
		for metric, isError := range map[string]bool{
			"rpc.server.call.duration": slices.Contains(ownFault, name), "rpc.client.call.duration": code > 0,
		} {
			if isError {
				m.want(metric, fault)
			} else {
				m.want(metric, fine)
			}
		}
	}
}

func TestACancellationByThisSideIsNoError(t *testing.T) {
	m := newMeter(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	canceled := func(ctx context.Context, _ string) (string, error) { return "", context.Canceled }
	_, _ = metrics.Client(canceled, "orders/Place", m.with)(ctx, "")
	m.want("rpc.client.call.duration", of+"CANCELLED,rpc.system.name=dowel: 1")
	_, _ = metrics.Client(canceled, "orders/Place", m.with)(t.Context(), "") // the other side did
	m.want("rpc.client.call.duration", "error.type=CANCELLED,"+of+"CANCELLED,rpc.system.name=dowel: 1",
		of+"CANCELLED,rpc.system.name=dowel: 1")
}

// What does not return is an internal error and no longer in flight.
func TestPanicAndGoexit(t *testing.T) {
	m := newMeter(t)
	during := func(then func()) endpoint.Endpoint[string, string] {
		return metrics.Server(func(context.Context, string) (string, error) {
			m.want("dowel.server.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 1")
			then()
			return "", nil
		}, "orders/Place", m.with)
	}
	boom := errors.New("boom")
	func() {
		defer func() {
			if v := recover(); v != boom {
				t.Errorf("recovered %v", v)
			}
		}()
		_, _ = during(func() { panic(boom) })(t.Context(), "")
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = during(runtime.Goexit)(t.Context(), "")
	}()
	<-ended
	m.want("dowel.server.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 0")
	m.want("rpc.server.call.duration", "error.type=INTERNAL,"+of+"INTERNAL,rpc.system.name=dowel: 2")
}

// A caller that gives up does not make the call end.
func TestInFlightUntilItReturns(t *testing.T) {
	m := newMeter(t)
	begun, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := metrics.Client(func(ctx context.Context, _ string) (string, error) {
		close(begun)
		<-release
		return "", ctx.Err()
	}, "orders/Place", m.with)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		_, _ = slow(ctx, "")
	}()
	<-begun
	cancel()
	m.want("dowel.client.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 1")
	m.want("rpc.client.call.duration")
	close(release)
	<-ended
	m.want("dowel.client.active_calls", "rpc.method=orders/Place,rpc.system.name=dowel: 0")
	m.want("rpc.client.call.duration", of+"CANCELLED,rpc.system.name=dowel: 1")
}

func TestAttributesReplaceAndAdd(t *testing.T) {
	m := newMeter(t)
	own := []attribute.KeyValue{attribute.String("rpc.system.name", "http"), attribute.String("tier", "gold")}
	e := metrics.Server(echo, "orders/Place", m.with, metrics.Attributes(own...))
	own[1] = attribute.String("tier", "changed")
	_, _ = e(t.Context(), "")
	m.want("rpc.server.call.duration", of+"OK,rpc.system.name=http,tier=gold: 1")
	m.want("dowel.server.active_calls", "rpc.method=orders/Place,rpc.system.name=http,tier=gold: 0")
}

// Two sides of one method are not one, and neither are two methods.
func TestWhatIsCountedTogether(t *testing.T) {
	m := newMeter(t)
	watched := &watched{MeterProvider: m.provider}
	m.with = metrics.Provider(watched)
	for range 3 { // as a function that dials does
		_, _ = metrics.Attempt(echo, "orders/Place", m.with)(t.Context(), "")
	}
	if watched.callbacks != 1 {
		t.Errorf("three of a kind are read by %d callbacks, want 1", watched.callbacks)
	}
	_, _ = metrics.Attempt(echo, "orders/Cancel", m.with)(t.Context(), "")
	m.want("dowel.client.attempt.duration",
		"rpc.method=orders/Cancel,rpc.response.status_code=OK,rpc.system.name=dowel: 1", of+"OK,rpc.system.name=dowel: 3")
	m.want("dowel.client.active_attempts", "rpc.method=orders/Cancel,rpc.system.name=dowel: 0",
		"rpc.method=orders/Place,rpc.system.name=dowel: 0")
	m.want("rpc.client.call.duration")
}

// watched is a provider that counts what is left behind in it.
type watched struct {
	metric.MeterProvider
	callbacks int
}

func (w *watched) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	return watchedMeter{w.MeterProvider.Meter(name, opts...), w}
}

type watchedMeter struct {
	metric.Meter
	by *watched
}

func (m watchedMeter) RegisterCallback(f metric.Callback, of ...metric.Observable) (metric.Registration, error) {
	m.by.callbacks++
	return m.Meter.RegisterCallback(f, of...)
}
