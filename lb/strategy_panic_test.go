package lb_test

import (
	"context"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// A strategy that panics over a set keeps nobody from asking it again.
func TestAStrategyThatPanicsHoldsNothing(t *testing.T) {
	sets := 0
	e, _ := endpointer(t, instances(2), nil)
	b := lb.New(e, strategyFunc(func(nodes []*sd.Node, prev lb.Picker) lb.Picker {
		if sets++; sets == 1 {
			panic("boom")
		}
		return lb.Random().Picker(nodes, prev)
	}))
	func() {
		defer func() { _ = recover() }()
		_, _ = b.Pick(t.Context())
	}()
	picked := make(chan error, 1)
	go func() {
		l, err := b.Pick(t.Context())
		if err == nil {
			l.Done(t.Context(), nil)
		}
		picked <- err
	}()
	select {
	case err := <-picked:
		if err != nil || sets != 2 {
			t.Errorf("after the panic: %v, %d sets", err, sets)
		}
	case <-time.After(20 * time.Second):
		t.Error("after the panic a pick waits for ever")
	}
}

// startPanics is a Starter that panics.
type startPanics struct{}

func (startPanics) Pick(context.Context, time.Duration) int { return 0 }
func (startPanics) Start(int, time.Duration)                { panic("boom") }
func (startPanics) Observe(int, lb.Outcome)                 {}

// A strategy that panics when it is told of a call leaves none in flight.
func TestAStarterThatPanicsHoldsNothing(t *testing.T) {
	e, _ := endpointer(t, instances(1), nil)
	b := lb.New(e, strategyFunc(func([]*sd.Node, lb.Picker) lb.Picker { return startPanics{} }))
	for _, ctx := range []context.Context{t.Context(), call.With(t.Context(), call.Attempt(2, []string{"nobody"}))} {
		func() {
			defer func() {
				if r := recover(); r != "boom" {
					t.Errorf("recovered %v", r)
				}
			}()
			_, _ = b.Pick(ctx)
		}()
	}
	if n := e.Set().Nodes()[0]; n.InFlight() != 0 || n.Entered() != 0 {
		t.Errorf("%d in flight, %d entered", n.InFlight(), n.Entered())
	}
}
