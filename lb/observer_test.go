package lb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dowelkit/dowel/endpoint"
	"github.com/dowelkit/dowel/lb"
	"github.com/dowelkit/dowel/sd"
)

// recorder is what an observing picker shares with its successors.
type recorder struct {
	mu       sync.Mutex
	outcomes []lb.Outcome
	pickers  int
}

func (r *recorder) take() []lb.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.outcomes)
}

// observing is a third party's strategy: it always picks the first node.
type observing struct{ r *recorder }

func (o observing) Picker([]*sd.Node, lb.Picker) lb.Picker {
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	o.r.pickers++
	return o
}

func (o observing) Pick(context.Context, time.Duration) int { return 0 }

func (o observing) Observe(_ int, out lb.Outcome) {
	o.r.mu.Lock()
	defer o.r.mu.Unlock()
	o.r.outcomes = append(o.r.outcomes, out)
}

func TestObserverLearnsWhatBecameOfACall(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	live := t.Context()
	coded := func(c endpoint.Code) error { return fmt.Errorf("wrapped: %w", &endpoint.Error{Code: c}) }
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want lb.Result
	}{
		{"success", live, nil, lb.Served},
		{"business", live, coded(endpoint.NotFound), lb.Served},
		{"internal", live, coded(endpoint.Internal), lb.Faulted},
		{"plain", live, errors.New("boom"), lb.Faulted},
		{"deadline", late, context.DeadlineExceeded, lb.Faulted},
		{"its deadline", live, coded(endpoint.DeadlineExceeded), lb.Faulted},
		{"rejected", live, coded(endpoint.ResourceExhausted), lb.Rejected},
		{"canceled", canceled, coded(endpoint.Unavailable), lb.Canceled},
		{"canceled, wrapped", canceled, fmt.Errorf("wrapped: %w", context.Canceled), lb.Canceled},
		{"canceled there", live, coded(endpoint.Canceled), lb.Canceled},
		{"canceled there, wrapped", live, fmt.Errorf("wrapped: %w", context.Canceled), lb.Canceled},
		{"breaker", live, &endpoint.Error{Code: endpoint.Unavailable, Local: true, NotProcessed: true}, lb.Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := new(recorder)
			e, _ := endpointer(t, instances(1), nil)
			lease, err := lb.New(e, observing{seen}).Pick(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			lease.Done(tt.ctx, tt.err)
			got := seen.take()
			if len(got) != 1 || got[0].Result != tt.want || got[0].Start <= 0 || got[0].Latency() < 0 {
				t.Errorf("outcomes are %+v, want %v", got, tt.want)
			}
		})
	}
}

func TestCarryKeepsWhatIsKnown(t *testing.T) {
	nodes := make([]*sd.Node, 6)
	for i, in := range instances(6) {
		nodes[i] = sd.NewNode(in)
	}
	moved := sd.NewNode(&sd.Instance{ID: "i0003", Addr: "elsewhere:80"})
	prev := []*sd.Node{nodes[0], nodes[2], nodes[3], nodes[5]}
	next := []*sd.Node{nodes[1], nodes[2], moved, nodes[4], nodes[5]}
	got := lb.Carry(next, prev, []int{100, 102, 103, 105}, func(n *sd.Node) int { return -1 })
	if want := []int{-1, 102, -1, -1, 105}; !slices.Equal(got, want) {
		t.Errorf("carried %v, want %v", got, want)
	}
}
