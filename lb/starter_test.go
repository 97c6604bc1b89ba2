package lb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dowelkit/dowel/call"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// starting is a strategy that books starts and ends.
type starting struct {
	picks         int
	starts, outs  []time.Duration
	indices, ends []int
}

func (s *starting) Picker([]*sd.Node, lb.Picker) lb.Picker { return s }

func (s *starting) Pick(context.Context, time.Duration) int {
	s.picks++
	return s.picks % 2
}

func (s *starting) Start(i int, now time.Duration) {
	s.starts, s.indices = append(s.starts, now), append(s.indices, i)
}

func (s *starting) Observe(i int, o lb.Outcome) {
	s.outs, s.ends = append(s.outs, o.Start), append(s.ends, i)
}

// A pick that the balancer drops, because the call avoids it, starts nothing.
func TestStarterLearnsOfEachCallOnce(t *testing.T) {
	e, _ := endpointer(t, instances(2), nil)
	s := new(starting)
	next := lb.Endpoint(lb.New(e, s), (*client).Call)
	ctx := call.With(t.Context(), call.Attempt(2, []string{"i0001"}))
	for range 3 {
		if _, err := next(ctx, ""); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(s.starts) != fmt.Sprint(s.outs) || fmt.Sprint(s.indices) != "[0 0 0]" || fmt.Sprint(s.ends) != "[0 0 0]" || s.picks <= 3 {
		t.Errorf("%d picks, starts %v at %v, ends %v at %v", s.picks, s.starts, s.indices, s.outs, s.ends)
	}
}
