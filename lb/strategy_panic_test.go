package lb_test

import (
	"testing"
	"time"

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
